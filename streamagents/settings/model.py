"""The settings: every environment variable is read here, once; all faults are told together."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
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
from streamagents.settings.kinds import LAST_PORT, Listed, Port, json_object
from streamagents.settings.sources import Fault, HookVariables, SecretFiles
from streamagents.triggers.bridge.bridge import BridgeSetting  # noqa: TC001 - pydantic
from streamagents.triggers.cron.configured import ScheduleSetting  # noqa: TC001 - pydantic reads it
from streamagents.triggers.files.folder import FolderSetting  # noqa: TC001 - pydantic
from streamagents.triggers.hooks.config import HookConfig  # noqa: TC001 - pydantic reads it
from streamagents.triggers.hooks.variables import variable_of

DEFAULT_WEB_PORT, DEFAULT_WATCH_PORT, DEFAULT_BRIDGE_PORT = 6066, 6070, 6071
"""The one behind a worker's is Faust's own, where that is asked for."""
PagesPort = Annotated[int, Field(ge=0, le=LAST_PORT)] | Literal["off"]


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
    kafka_heap_mib: Annotated[int, Field(ge=96, le=65_536)] = 128
    """What the embedded broker may take for objects, in MiB; thousands of partitions need more."""
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
    model_rates: Annotated[
        dict[str, ModelRate],
        NoDecode,
        json_object('{"*": {"requests_per_minute": 50}}'),
    ] = {}
    """What the provider takes in a minute, as JSON by model; `*` is for all that are not named."""
    model_prices: Annotated[
        dict[str, Price], NoDecode, json_object('{"my-model": {"input": 1, "output": 5}}')
    ] = {}
    """USD per million tokens, as JSON by model, before those that we know."""
    redact: Listed[str] = ()
    """Names of fields whose values are not shown, beside those that never are."""
    faust_web: bool = False
    """Serve Faust's own web pages, too."""
    log_level: str = "info"

    # -- operation -------------------------------------------------------------------------------

    web_port: PagesPort = DEFAULT_WEB_PORT
    """Of a worker's `/live /ready /health /metrics`; 0 is any that is free, `off` is none."""
    watch_port: PagesPort = DEFAULT_WATCH_PORT
    """Of the same pages of `streamagents watch`."""
    bridge_port: PagesPort = DEFAULT_BRIDGE_PORT
    """Of the same pages of `streamagents bridge`."""
    log_format: Literal["console", "json"] = "console"
    log_file: Path | None = None
    """Beside standard error; rotated at 10 MiB, five older ones are kept. One a process."""
    log_outcomes: bool = False
    """A line for each event that ended well, too."""

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
        dict[str, SecretStr], NoDecode, json_object('{"#leads": "https://..."}')
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
        json_object('{"daily": {"cron": "0 9 * * *", "type": "report_due"}}'),
    ] = {}
    """JSON object: name -> `{"cron", "type", "data", "zone", "catch_up", "cap"}`."""

    # -- gateway ---------------------------------------------------------------------------------

    bind: str = "127.0.0.1"
    """The address that workers and the gateway listen at; beyond loopback it needs a token."""
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
        json_object('{"betasoft": {"kind": "feed", "url": "https://..."}}'),
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
        json_object('{"orders": {"path": "inbox", "type": "order"}}'),
    ] = {}
    """Folders for `streamagents watch`, as JSON by name."""
    bridges: Annotated[
        dict[str, BridgeSetting],
        NoDecode,
        json_object('{"orders": {"kafka": {"topic": "orders.v1"}, "type": "order"}}'),
    ] = {}
    """Queues for `streamagents bridge`, as JSON by name; also `STREAMAGENTS_BRIDGES_FILE`, for
    passwords stand in it."""

    @field_validator("*", mode="before")
    @classmethod
    def _of_a_file(cls, value: Any) -> Any:
        if isinstance(value, Fault):
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
            if not host or not port.isdigit() or not 0 < int(port) <= LAST_PORT:
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
