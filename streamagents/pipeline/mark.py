"""The mark: what the state keeps of one event, and its bytes.

Format 1: a format byte, a fixed part, the record key, then a JSON object where there is more to
say. A mark of a finished event is the fixed part and the key.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from pydantic_core import from_json, to_json

from streamagents.errors import StreamAgentsError

FORMAT = 1
_FIXED = struct.Struct(">BBHHI8sH")
_NO_KEY = 0xFFFF


class Status(IntEnum):
    """Where an event stands."""

    RUNNING = 1
    """An agent has it; if that process is not ours, it died in it."""
    RELEASED = 2
    """It was given back: a shutdown or a rebalance, which is nobody's fault."""
    WAITING = 3
    """It failed and will be tried again."""
    DONE = 4
    DEAD_LETTERED = 5


_DONE = int(Status.DONE)
"""Python 3.11 takes a third of a microsecond to look up a member of an enumeration."""


class NewerFormatError(StreamAgentsError):
    """Raised when a state value was written by a newer version than this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is remembered of an event that did not finish at once. Times are unix seconds."""

    owner: str = ""
    """The process that runs it."""
    alone: bool = False
    """It runs with no other event in its worker."""
    deaths: tuple[str, ...] = ()
    """The processes that died while they had it."""
    deaths_alone: tuple[str, ...] = ()
    """Those of them that had nothing else in hand."""
    first_failed_at: float = 0.0
    error: str = ""
    first_started_at: float = 0.0
    """When it ran first, as far as that is known: postponing is counted from here."""
    parked: bool = False
    """It waits in the state."""
    steps: bool = False
    """Results of its steps are in the state."""
    interrupted: bool = False
    """An attempt ended without telling how far it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The state of one event."""

    status: Status
    at: int
    """Unix seconds of the mark: its life is counted from here."""
    key: bytes | None = None
    digest: bytes = bytes(8)
    attempts: int = 0
    replay: int = 0
    """The replay generation; see `streamagents-replay-count`."""
    history: History = field(default_factory=History)

    @property
    def finished(self) -> bool:
        """Whether the event must not run (again)."""
        return self.status >= Status.DONE

    def encode(self) -> bytes:
        """The mark's bytes."""
        key = b"" if self.key is None else self.key
        length = _NO_KEY if self.key is None else min(len(key), _NO_KEY - 1)
        fixed = _FIXED.pack(
            FORMAT, self.status, self.attempts, self.replay, self.at, self.digest, length
        )
        if self.finished or self.history == NOTHING:
            return fixed + key[:length]
        return fixed + key[:length] + to_json(asdict(self.history))

    @classmethod
    def decode(cls, value: bytes) -> Mark:
        """Read a mark.

        Raises:
            NewerFormatError: this version does not know its format.
        """
        refuse_newer(value)
        _, status, attempts, replay, at, digest, length = _FIXED.unpack_from(value)
        rest = value[_FIXED.size :]
        key = None if length == _NO_KEY else rest[:length]
        history = from_json(rest[len(key or b"") :]) if rest[len(key or b"") :] else {}
        return cls(
            status=Status(status),
            at=at,
            key=key,
            digest=digest,
            attempts=attempts,
            replay=replay,
            history=History(**{name: _frozen(value) for name, value in history.items()}),
        )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def done_mark(*, at: int, key: bytes | None, digest: bytes, attempts: int, replay: int) -> bytes:
    """The bytes of a mark of an event that is done: what most marks are, without the detour."""
    if key is None:
        return _FIXED.pack(FORMAT, _DONE, attempts, replay, at, digest, _NO_KEY)
    key = key[: _NO_KEY - 1]
    return _FIXED.pack(FORMAT, _DONE, attempts, replay, at, digest, len(key)) + key


def refuse_newer(value: bytes) -> None:
    """Stop before a state value is misread.

    Raises:
        NewerFormatError: this version does not know the value's format.
    """
    if not value or value[0] != FORMAT:
        raise NewerFormatError(
            f"The state holds a value of format {value[0] if value else 'none'}, this version "
            f"knows format {FORMAT}: run the version that wrote it, or a newer one."
        )


NOTHING = History()
"""Of an event that has no past."""
