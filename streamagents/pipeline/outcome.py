"""What can be decided about an event: values that the runtime's shell acts on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamagents.ports import Position

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.events import Event, Headers
    from streamagents.ports import Record


@dataclass(slots=True)
class Incoming:
    """A record that was read, to be handed to its agent: the event, its identity and its place.

    One is made for every event. It is not frozen, for that would triple its cost, and nobody
    changes it.
    """

    record: Record
    registration: Registration
    payload: Event | dict[str, Any]
    id: str
    source: str
    type: str
    key: bytes | None
    """What orders and partitions it; None: nothing ties it to any other event."""
    seen_key: bytes
    """The state key of its mark."""
    sent_at: datetime | None = None
    """The time that its sender names."""
    forwarded: tuple[Position, bytes | None] | None = None
    """Where it was first written and under which key, if it was forwarded from there."""

    @property
    def origin(self) -> Position:
        """Where it was first written: its own place, or the one that it was forwarded from."""
        if self.forwarded is not None:
            return self.forwarded[0]
        return Position(self.record.topic, self.record.partition, self.record.offset)

    @property
    def origin_key(self) -> bytes | None:
        """The key it was first written with."""
        return self.record.key if self.forwarded is None else self.forwarded[1]

    @property
    def time(self) -> datetime:
        """When it happened, as its sender says; else when the record was written. In UTC."""
        time = self.sent_at
        if time is not None:
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        try:
            return datetime.fromtimestamp(max(self.record.timestamp, 0) / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(0, UTC)  # microseconds for milliseconds, or garbage


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event ran before."""

    conflict: bool = False
    """Its bytes differ from those of the first."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Run it again after a wait in its lane."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Park:
    """Run it again after a wait too long for its lane: it waits in the state, its offset moves."""

    after_s: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Only a person can help."""

    code: str
    reason: str
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Write the record, as it is, where it belongs."""

    topic: str
    partition: int
    key: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Skip:
    """There is nothing to do, on purpose."""

    reason: str
