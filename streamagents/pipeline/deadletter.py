"""The dead letter: the original, untouched, and in its headers what happened.

Header names: KIP-1034 (`__streams.errors.*`), Spring Kafka (`kafka_dlt-*`), and our own.
"""

from __future__ import annotations

import struct
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.events.wire import rfc3339
from streamagents.pipeline.identity import ORIGIN, ORIGIN_KEY
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.events import Headers
    from streamagents.pipeline.outcome import DeadLetter
    from streamagents.ports import Position, Record

_STREAMS = "__streams.errors."
_SPRING = (
    "kafka_dlt-original-topic",
    "kafka_dlt-exception-cause-fqcn",
    "kafka_dlt-original-timestamp",
)
_OURS = "streamagents-"
_STACK_BYTES = 4096
_MESSAGE_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """What the runtime knows beside the record and the verdict."""

    origin: Position
    key: bytes | None
    agent: str
    agent_version: str
    group: str
    attempts: int
    failed_at: datetime
    """When it failed first."""
    replay_count: int


def letter(topic: str, record: Record, why: DeadLetter, facts: LetterFacts) -> Outgoing:
    """The record that goes to `<topic>.dlq`: same key, same bytes, same headers, plus ours.

    Its timestamp is the moment of its writing, and the original's is in a header: a letter under an
    old timestamp would be past its retention, and gone.

    Headers of an earlier letter are replaced, never appended to: a letter that is replayed and
    fails again does not grow.
    """
    return Outgoing(
        topic=topic,
        key=facts.key,
        value=record.value,
        headers=(
            *without_added(tuple(record.headers)),
            *_added(why, facts),
            (_SPRING[2], struct.pack(">q", record.timestamp)),  # as Spring encodes it
        ),
        partition=record.partition,  # its topic has as many
    )


def _added(why: DeadLetter, facts: LetterFacts) -> Headers:
    error = why.error
    stack = "" if error is None else "".join(traceback.format_exception(error))
    cause = None if error is None else (error.__cause__ or error)
    added = {
        _STREAMS + "exception": "" if error is None else _fqcn(error),
        _STREAMS + "stacktrace": _clip(stack, _STACK_BYTES),
        _STREAMS + "message": _clip(why.reason, _MESSAGE_BYTES),
        _STREAMS + "topic": facts.origin.topic,
        _STREAMS + "partition": str(facts.origin.partition),
        _STREAMS + "offset": str(facts.origin.offset),
        _SPRING[0]: facts.origin.topic,
        _SPRING[1]: "" if cause is None else _fqcn(cause),
        _OURS + "attempts": str(facts.attempts),
        _OURS + "agent": facts.agent,
        _OURS + "agent-version": facts.agent_version,
        _OURS + "consumer-group": facts.group,
        _OURS + "first-failed-at": rfc3339(facts.failed_at).decode(),
        _OURS + "error-code": why.code,
        _OURS + "replay-count": str(facts.replay_count),
    }
    return tuple((name, value.encode(errors="backslashreplace")) for name, value in added.items())


_ADDED = frozenset(
    (
        *(
            _STREAMS + name
            for name in ("exception", "stacktrace", "message", "topic", "partition", "offset")
        ),
        *_SPRING,
        *(
            _OURS + name
            for name in (
                "attempts",
                "agent",
                "agent-version",
                "consumer-group",
                "first-failed-at",
                "error-code",
                "replay-count",
                "target-group",
                "letter",
                "fresh",
            )
        ),
        ORIGIN,
        ORIGIN_KEY,
    )
)


def without_added(headers: Headers) -> Headers:
    """The headers of the original: those of a letter, or of its replay, without ours."""
    return tuple((name, value) for name, value in headers if name not in _ADDED)


def _fqcn(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )


def _clip(text: str, size: int) -> str:
    """The end of a text: of a stack trace it says what was raised."""
    raw = text.encode(errors="replace")
    return text if len(raw) <= size else "..." + raw[-size + 3 :].decode(errors="ignore")
