"""The world: time, what turns it into events, foreign queues, and effects on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.events import Event, Headers


class Clock(Protocol):
    """Time, for whoever decides by it."""

    def now(self) -> datetime:
        """The moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    async def sleep(self, seconds: float) -> None:
        """Wait; other tasks run meanwhile."""


class Trigger(Protocol):
    """What turns something of the world into events: a schedule, a monitor, a hook, a queue."""

    @property
    def name(self) -> str:
        """Unique among those of its kind in an application."""

    @property
    def emits(self) -> Sequence[type[Event]]:
        """The models of the events that it makes; the application gets their topics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a foreign queue."""

    id: str
    """Of its place in the queue: the same whenever it is delivered."""
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    token: Any = None
    """What the queue needs to know it again."""


class Queue(Protocol):
    """A foreign queue: what it delivers stays in it until it is told to be done.

    It connects when it is first asked, and again after a failure. Each call raises QueueError.
    """

    async def receive(self, limit: int) -> Sequence[Message]:
        """The next messages, in order; after a short wait none."""

    async def hold(self, messages: Sequence[Message]) -> None:
        """They take longer: nobody else is to get them meanwhile."""

    async def done(self, messages: Sequence[Message]) -> None:
        """They are never to be delivered again."""

    async def close(self) -> None:
        """Let go of the connection. What is not done is delivered again."""


class Action(Protocol):
    """One effect on the outside, as an agent decides it."""

    @property
    def via(self) -> str:
        """The name of the channel that delivers it."""

    def action_json(self) -> bytes:
        """What is to be delivered."""


class RecordsReader(Protocol):
    """Looks up what the channel `database` has written."""

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        """The fields of one record; None where there is none."""
