"""The headers of dead letters: ours, and those of Spring Kafka, Kafka Connect and Kafka Streams.

What is missing or damaged is not known; nothing in a header makes a letter unreadable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamagents.pipeline.deadletter import without_added
from streamagents.pipeline.dedupe import REPLAY_COUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.events import Headers

Convention: TypeAlias = Literal["streamagents", "connect", "spring", "streams", "none"]

OURS = "streamagents-"
SPRING = "kafka_dlt-"
CONNECT = "__connect.errors."
STREAMS = "__streams.errors."
_ADDED_BY: Mapping[Convention, tuple[str, ...]] = {
    "connect": (CONNECT,),
    "spring": (SPRING, "kafka_exception", "kafka_deliveryAttempt", "retry_topic-"),
    "streams": (STREAMS,),
}
_INTS = {2: struct.Struct(">h"), 4: struct.Struct(">i"), 8: struct.Struct(">q")}
_MOST = 1 << 62
_MOST_DIGITS = 18
"""Fewer than those of the largest: of any longer number a part would be lost."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What a letter's headers say of what happened. Nobody changes it: frozen costs the double."""

    convention: Convention
    topic: str = ""
    """Where the original lay; empty where nobody says."""
    partition: int | None = None
    offset: int | None = None
    group: str = ""
    """The consumer group that failed."""
    agent: str = ""
    """Ours, or the connector."""
    code: str = ""
    """Our error code; of others the class of the error."""
    exception: str = ""
    cause: str = ""
    message: str = ""
    stack: str = ""
    attempts: int | None = None
    replays: int = 0
    first_failed_at: str = ""


def read_fault(headers: Headers) -> Fault:
    """Read a letter's headers, whoever wrote them."""
    found = dict(headers)  # of a repeated name the last counts, as Kafka's own `lastHeader` has it
    convention = convention_of(found)
    if convention == "streamagents":
        return _ours(found)
    if convention == "connect":
        return _connect(found)
    if convention == "spring":
        return _spring(found)
    if convention == "streams":
        return _streams(found)
    return Fault(convention="none", replays=_number(found.get(REPLAY_COUNT)) or 0)


def convention_of(names: Mapping[str, bytes]) -> Convention:
    """Who wrote a letter. Ours carries names of the others, too."""
    if OURS + "error-code" in names:
        return "streamagents"
    if any(name.startswith(CONNECT) for name in names):
        return "connect"
    if any(name.startswith(SPRING) for name in names):
        return "spring"
    if any(name.startswith(STREAMS) for name in names):
        return "streams"
    return "none"


def original_headers(headers: Headers, convention: Convention) -> Headers:
    """The headers of the original, without those that made a letter of it."""
    prefixes = _ADDED_BY.get(convention, ())
    kept = without_added(headers)
    return (
        tuple(header for header in kept if not header[0].startswith(prefixes))
        if prefixes
        else (kept)
    )


def _ours(found: Mapping[str, bytes]) -> Fault:
    return Fault(
        convention="streamagents",
        topic=_text(found.get(STREAMS + "topic")) or _text(found.get(SPRING + "original-topic")),
        partition=_number(found.get(STREAMS + "partition")),
        offset=_number(found.get(STREAMS + "offset")),
        group=_text(found.get(OURS + "consumer-group")),
        agent=_text(found.get(OURS + "agent")),
        code=_text(found.get(OURS + "error-code")),
        exception=_text(found.get(STREAMS + "exception")),
        cause=_text(found.get(SPRING + "exception-cause-fqcn")),
        message=_text(found.get(STREAMS + "message")),
        stack=_text(found.get(STREAMS + "stacktrace")),
        attempts=_number(found.get(OURS + "attempts")),
        replays=_number(found.get(REPLAY_COUNT)) or 0,
        first_failed_at=_text(found.get(OURS + "first-failed-at")),
    )


def _connect(found: Mapping[str, bytes]) -> Fault:
    exception = _text(found.get(CONNECT + "exception.class.name"))
    return Fault(
        convention="connect",
        topic=_text(found.get(CONNECT + "topic")),
        partition=_number(found.get(CONNECT + "partition")),
        offset=_number(found.get(CONNECT + "offset")),
        agent=_text(found.get(CONNECT + "connector.name")),
        code=_class(exception),
        exception=exception,
        message=_text(found.get(CONNECT + "exception.message")),
        stack=_text(found.get(CONNECT + "exception.stacktrace")),
        replays=_number(found.get(REPLAY_COUNT)) or 0,
    )


def _spring(found: Mapping[str, bytes]) -> Fault:
    exception = _text(found.get(SPRING + "exception-fqcn"))
    cause = _text(found.get(SPRING + "exception-cause-fqcn"))
    attempts = found.get("kafka_deliveryAttempt", found.get("retry_topic-attempts"))
    return Fault(
        convention="spring",
        topic=_text(found.get(SPRING + "original-topic")),
        partition=_big_endian(found.get(SPRING + "original-partition")),
        offset=_big_endian(found.get(SPRING + "original-offset")),
        group=_text(found.get(SPRING + "original-consumer-group")),
        code=_class(cause or exception),  # the exception itself is always Spring's wrapper
        exception=exception,
        cause=cause,
        message=_text(found.get(SPRING + "exception-message")),
        stack=_text(found.get(SPRING + "exception-stacktrace")),
        attempts=_big_endian(attempts),
        replays=_number(found.get(REPLAY_COUNT)) or 0,
    )


def _streams(found: Mapping[str, bytes]) -> Fault:
    exception = _text(found.get(STREAMS + "exception"))
    return Fault(
        convention="streams",
        topic=_text(found.get(STREAMS + "topic")),
        partition=_number(found.get(STREAMS + "partition")),
        offset=_number(found.get(STREAMS + "offset")),
        code=_class(exception),
        exception=exception,
        message=_text(found.get(STREAMS + "message")),
        stack=_text(found.get(STREAMS + "stacktrace")),
        replays=_number(found.get(REPLAY_COUNT)) or 0,
    )


def _text(raw: bytes | None) -> str:
    return raw.decode("utf-8", "replace") if raw else ""  # by position: half the time


def _class(name: str) -> str:
    return name.rpartition(".")[2]


def _number(raw: bytes | None) -> int | None:
    """A number as text; None for anything else."""
    return int(raw) if raw and len(raw) <= _MOST_DIGITS and raw.isdigit() else None


def _big_endian(raw: bytes | None) -> int | None:
    """A number as Spring encodes it: its bytes, the highest first. Text is taken, too."""
    kind = None if raw is None else _INTS.get(len(raw))
    value = kind.unpack(raw)[0] if kind is not None and raw is not None else -1
    if 0 <= value < _MOST and not (raw or b"").isdigit():
        return int(value)
    return _number(raw)
