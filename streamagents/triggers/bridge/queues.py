"""The queues that a bridge can read, as data: where they are, and how to get in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_NAMED = Field(min_length=1, max_length=500)


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KafkaQueue(_Described):
    """A topic, of any cluster and any shape, read as a consumer group."""

    topic: Annotated[str, _NAMED]
    bootstrap: str | None = None
    """`host:port,...`; None is the application's own broker."""
    group: str | None = None
    """Default: `<application>-bridge-<name>`. A new group begins with the oldest record."""
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: SecretStr | None = None


class RedisQueue(_Described):
    """A Redis Stream (Redis 6.2 or newer), read as a consumer group."""

    stream: Annotated[str, _NAMED]
    url: SecretStr
    """`redis://user:password@host:6379/0`, or `rediss://` with TLS."""
    group: str | None = None
    """Default: `<application>-bridge-<name>`. A new group begins with the oldest entry."""
    consumer: str | None = None
    """Default: the name of this machine. What a consumer left unfinished, it gets first."""
    field: str | None = None
    """The field of an entry that holds JSON. Default: the payload is all fields, as text."""
    claim_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """What another consumer has not finished for so many seconds is ours."""


class SqsQueue(_Described):
    """A queue of Amazon SQS, or of whatever speaks its protocol.

    Credentials are botocore's affair: the environment, a profile, the machine's role.
    """

    url: Annotated[str, _NAMED]
    region: str | None = None
    endpoint: str | None = None
    """Of a service that is not Amazon's."""
    visibility_s: Annotated[int, Field(ge=15, le=43_200)] = 60
    """A message that is not done comes again after so many seconds; it is held while we wait."""
