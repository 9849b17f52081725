"""Settings: every environment variable is read here, once, and all faults are told together."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamagents.agents.asking import DEFAULT_MODEL
from streamagents.agents.budget import Budget, WhenSpent
from streamagents.errors import ConfigurationError
from streamagents.llm.limits import Limits, ModelRate, Price

_LAST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=_LAST_PORT)]


class Settings(BaseSettings):
    """What the environment says, as `STREAMAGENTS_<NAME>`. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="STREAMAGENTS_", env_ignore_empty=True)

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
    """The name of the environment's variable that a fault is about."""
    name = "_".join(map(str, loc)).upper()
    return name if name.startswith("ANTHROPIC_") else f"STREAMAGENTS_{name}"
