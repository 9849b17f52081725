"""What can be decided about an event: values that the runtime's shell acts on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.agents import Registration
    from streamagents.events import Event, Headers
    from streamagents.ports import Position, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A record that was read and may run: the event, its identity and its place."""

    record: Record
    origin: Position
    """Where it was first written: its own place, or the one that it was forwarded from."""
    origin_key: bytes | None
    """The key it was first written with."""
    registration: Registration
    payload: Event | dict[str, Any]
    id: str
    source: str
    type: str
    time: datetime
    key: bytes | None
    """What orders and partitions it; None: nothing ties it to any other event."""
    seen_key: bytes
    """The state key of its mark."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hand the event to its agent."""

    incoming: Incoming


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event ran before."""

    conflict: bool = False
    """Its bytes differ from those of the first."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Run it again after a wait."""

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
