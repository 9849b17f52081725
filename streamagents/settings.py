"""Settings: every environment variable is read here, once, and all faults are told together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import from_json
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from streamagents.agents.asking import DEFAULT_MODEL
from streamagents.agents.budget import Budget, WhenSpent
from streamagents.errors import ConfigurationError
from streamagents.llm.limits import Limits, ModelRate, Price
from streamagents.triggers.bridge.bridge import BridgeSetting  # noqa: TC001 - pydantic
from streamagents.triggers.cron.configured import ScheduleSetting  # noqa: TC001 - pydantic reads it
from streamagents.triggers.files.folder import FolderSetting  # noqa: TC001 - pydantic
from streamagents.triggers.hooks.config import HookConfig  # noqa: TC001 - pydantic reads the annotation
from streamagents.triggers.hooks.variables import gather, variable_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_LAST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=_LAST_PORT)]


def _listed(value: Any) -> Any:
    """What stands between commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _object(example: str) -> BeforeValidator:
    """What is written as a JSON object."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return from_json(value)
        except ValueError:
            raise ValueError(f"is no JSON object such as {example}") from None

    return BeforeValidator(read)


T = TypeVar("T")
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]


@dataclass(frozen=True)
class _Fault:
    """What was wrong with the file of a secret: told with all other faults."""

    words: str


class SecretFiles(PydanticBaseSettingsSource):
    """Reads every secret `NAME` also from the file that `NAME_FILE` names."""

    def __call__(self) -> dict[str, Any]:
        """The secrets that lie in files; faults in the place of those that cannot be read."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            if _is_secret(field.annotation):
                value, key, _ = self.get_field_value(field, name)
                if value is not None:
                    found[key] = value
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """A secret, the key of its field, and False: it is no JSON for pydantic to read."""
        alias = field.validation_alias
        key = alias if isinstance(alias, str) else field_name
        prefix = "" if isinstance(alias, str) else self.config.get("env_prefix", "")
        variable = f"{prefix}{key}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, key, False
        if os.environ.get(variable):
            return _Fault(f"is set, and so is {variable}_FILE: unset one of the two"), key, False
        return _text_of(path), key, False


class HookVariables(PydanticBaseSettingsSource):
    """Reads the settings of all sources of webhooks, `STREAMAGENTS_HOOK_<SOURCE>_<NAME>`."""

    def __call__(self) -> dict[str, Any]:
        """The settings by source; a fault instead if one of them cannot be read."""
        hooks, strays = gather({name: text for name, text in os.environ.items() if text})
        faults = [f"{stray} belongs to no source with a ..._PRESET" for stray in strays]
        read: dict[str, dict[str, Any]] = {}
        for source, given in hooks.items():
            read[source] = {name: text for name, text in given.items() if name != "secret_file"}
            if "secret_file" in given:
                secret = _secret_of(variable_of(source, "secret"), given)
                faults += [secret.words] if isinstance(secret, _Fault) else []
                read[source]["secret"] = secret
        if faults:
            return {"hooks": _Fault("; ".join(faults))}
        return {"hooks": read} if read else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class asks for it
        """Not asked for: all sources are one field."""
        return None, field_name, False


def _secret_of(variable: str, given: Mapping[str, str]) -> Any:
    if "secret" in given:
        return _Fault(f"{variable} is set, and so is {variable}_FILE: unset one of the two")
    found = _text_of(given["secret_file"])
    return _Fault(f"{variable}: {found.words}") if isinstance(found, _Fault) else found


def _text_of(path: str) -> str | _Fault:
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as exc:
        words = getattr(exc, "strerror", None) or "it is no text"
        return _Fault(f"its file {path} cannot be read: {words}")


def _is_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_is_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


class Settings(BaseSettings):
    """What the environment says, as `STREAMAGENTS_<NAME>`. Durations are seconds."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMAGENTS_", env_ignore_empty=True, hide_input_in_errors=True
    )

    broker: str | None = None
    """Broker list `host:port,host:port`; unset means the embedded broker on `kafka_port`."""
    kafka_port: Port = 9092
    kafka_fsync: bool = False
    """Flush every write of the embedded broker to the disk before it is acknowledged."""
    app: str = "streamagents"
    """Module of the application, as in `faust -A MODULE`."""
    data_dir: Path = Path(".streamagents")
    """RocksDB and the embedded broker live here."""
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,80}$")
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Partitions of every topic that does not name its own number."""
    replication: Annotated[int, Field(ge=1, le=10)] = 1
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Events whose agents run at once in one worker."""
    dedupe_ttl_s: Annotated[float, Field(ge=1, le=366 * 86_400)] = 604_800.0
    """How long a seen id is remembered; never shorter than its topic keeps records."""
    shutdown_grace_s: Annotated[float, Field(ge=0, le=3600)] = 25.0
    session_timeout_s: Annotated[float, Field(ge=3, le=60)] = 10.0
    """A worker that is silent for so long loses its partitions."""
    stuck_after_s: Annotated[float, Field(ge=5, le=3600)] = 30.0
    """An event loop that stands still for so long ends its worker."""
    budget_usd_per_day: Annotated[float, Field(ge=0)] | None = None
    """What all agents together may spend on models in a day of UTC."""
    budget_tokens_per_day: Annotated[int, Field(ge=0)] | None = None
    budget_usd_per_event: Annotated[float, Field(ge=0)] | None = None
    budget_tokens_per_event: Annotated[int, Field(ge=0)] | None = None
    budget_when_spent: WhenSpent = "wait"
    """What an empty day's budget means: events wait for the next day, or become dead letters."""
    model_rates: dict[str, ModelRate] = Field(default_factory=dict)
    """What the provider takes in a minute, as JSON by model; `*` is for all that are not named."""
    model_prices: dict[str, Price] = Field(default_factory=dict)
    """USD per million tokens, as JSON by model, before those that we know."""
    faust_web: bool = False
    """Serve Faust's own web pages, too."""
    log_level: str = "info"

    # -- the model -------------------------------------------------------------------------------

    llm: Literal["anthropic", "rules", "replay"] | None = None
    """Who answers `ctx.llm`; unset is anthropic if there is a key, else rules."""
    model: Annotated[str, Field(min_length=1, max_length=100)] = DEFAULT_MODEL
    """Asked where an agent names none."""
    llm_recordings: Path | None = None
    """File of recorded answers, for replay and for `llm_record`."""
    llm_record: bool = False
    """Add every answer to the recordings."""
    anthropic_api_key: SecretStr | None = Field(None, validation_alias="anthropic_api_key")
    """These three are read as the SDK names them, without our prefix."""
    anthropic_auth_token: SecretStr | None = Field(None, validation_alias="anthropic_auth_token")
    anthropic_base_url: str | None = Field(None, validation_alias="anthropic_base_url")

    # -- channels --------------------------------------------------------------------------------

    slack_webhook_url: SecretStr | None = None
    """Incoming webhook of every Slack channel that `slack_webhooks` does not name."""
    slack_webhooks: Annotated[
        dict[str, SecretStr], NoDecode, _object('{"#leads": "https://..."}')
    ] = {}
    """JSON object: our name of a channel -> its incoming webhook."""
    smtp_host: str | None = None
    """Mail server; unset: no e-mail."""
    smtp_port: Port | None = None
    """587, 465 or 25 as `smtp_tls` says, unless named."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = ""
    """Sender, as in `Crm <crm@example.com>`."""
    smtp_tls: Literal["starttls", "implicit", "none"] = "starttls"
    smtp_ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    email_allow: Listed[str] = ()
    """Who may be written to: addresses, `@example.com`, `*`."""
    http_allow_hosts: Listed[str] = ()
    """Where may be posted to: `example.com`, `*.example.com`, `example.com:8443`, `*`."""
    http_secrets: Listed[SecretStr] = ()
    """`whsec_...`: each signs what is posted; the newest first."""
    database_url: SecretStr | None = None
    """Of the records; unset: SQLite in the data folder."""
    allow_private_hosts: Listed[str] = ()
    """Exact `host:port` that requests may reach although their addresses are private."""

    # -- schedules -------------------------------------------------------------------------------

    schedules: Annotated[
        dict[str, ScheduleSetting],
        NoDecode,
        _object('{"daily": {"cron": "0 9 * * *", "type": "report_due"}}'),
    ] = {}
    """JSON object: name -> `{"cron", "type", "data", "zone", "catch_up", "cap"}`."""

    # -- gateway ---------------------------------------------------------------------------------

    bind: str = "127.0.0.1"
    """The address that the gateway listens on; beyond loopback it needs a token."""
    gateway_port: Port = 8080
    gateway_token: Listed[SecretStr] = ()
    """Bearer tokens of `/events`, each alone or as `name:token`."""
    gateway_max_bytes: Annotated[int, Field(ge=1024, le=5 << 20)] = 1 << 20
    """A larger body is refused."""
    gateway_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Requests, and records that wait for Kafka; beyond it 503 at once."""
    gateway_rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Requests to `/events` a second."""
    hooks: Annotated[dict[str, HookConfig], NoDecode] = Field(default_factory=dict)
    """Senders of webhooks, as `STREAMAGENTS_HOOK_<SOURCE>_<NAME>`."""

    # -- monitors --------------------------------------------------------------------------------

    monitors: Annotated[
        dict[str, dict[str, Any]],
        NoDecode,
        _object('{"betasoft": {"kind": "feed", "url": "https://..."}}'),
    ] = {}
    """JSON object: name -> `{"kind", "type", "fields", ...}`; read by `monitors/configured.py`."""
    monitor_contact: Annotated[str, Field(max_length=200, pattern=r"^[!-~ ]*$")] = ""
    """Whom the owners of sites can ask, a URL or an address; stands in the User-Agent."""
    reddit_client_id: str = ""
    reddit_client_secret: SecretStr | None = None
    """Of an app, for Reddit's API."""

    # -- folders and queues ----------------------------------------------------------------------

    watch: Annotated[
        dict[str, FolderSetting],
        NoDecode,
        _object('{"orders": {"path": "inbox", "type": "order"}}'),
    ] = {}
    """Folders for `streamagents watch`, as JSON by name."""
    bridges: Annotated[
        dict[str, BridgeSetting],
        NoDecode,
        _object('{"orders": {"kafka": {"topic": "orders.v1"}, "type": "order"}}'),
    ] = {}
    """Queues for `streamagents bridge`, as JSON by name; also `STREAMAGENTS_BRIDGES_FILE`, for
    passwords stand in it."""

    @field_validator("*", mode="before")
    @classmethod
    def _of_a_file(cls, value: Any) -> Any:
        if isinstance(value, _Fault):
            raise ValueError(value.words)  # noqa: TRY004 - pydantic's way to tell a fault
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - we read no such file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours are named
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the files of secrets, then the environment, the hooks' part first."""
        return (
            init_settings,
            SecretFiles(settings_cls),
            HookVariables(settings_cls),
            env_settings,
        )

    @field_validator("broker")
    @classmethod
    def _broker_is_a_list_of_addresses(cls, value: str | None) -> str | None:
        for address in value.split(",") if value else ():
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) <= _LAST_PORT:
                raise ValueError(f"{address.strip()!r} is not host:port")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @cached_property
    def limits(self) -> Limits:
        """The limits of all agents together."""
        return Limits(
            budget=Budget(
                usd_per_day=self.budget_usd_per_day,
                tokens_per_day=self.budget_tokens_per_day,
                usd_per_event=self.budget_usd_per_event,
                tokens_per_event=self.budget_tokens_per_event,
                when_spent=self.budget_when_spent,
            ),
            rates=self.model_rates,
            prices=self.model_prices,
        )

    @cached_property
    def bootstrap(self) -> str:
        """The broker list that clients use."""
        return self.broker or f"127.0.0.1:{self.kafka_port}"


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: one sentence that lists every faulty setting.
    """
    try:
        return Settings()
    except ValidationError as exc:
        faults = "; ".join(
            f"{_variable(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in exc.errors()
        )
        raise ConfigurationError(f"The settings cannot be used: {faults}.") from exc


def _variable(loc: tuple[int | str, ...]) -> str:
    """The name of the environment's variable that a fault is about, and where in its JSON."""
    if loc[0] == "hooks":
        return variable_of(*map(str, loc[1:3])) if len(loc) > 1 else "STREAMAGENTS_HOOK_..."
    name, within = str(loc[0]).upper(), ".".join(map(str, loc[1:]))
    variable = name if name.startswith("ANTHROPIC_") else f"STREAMAGENTS_{name}"
    return f"{variable} at {within}" if within else variable
