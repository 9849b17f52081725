"""Watchers: who is told of what happens, and who holds it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.ports.models import Usage


class Report(NamedTuple):
    """One thing that happened to one event.

    `outcome` is one of received, started, ok, duplicate, retried, parked, delayed, dead_lettered,
    skipped, forwarded, released, step, step_rerun.
    """

    outcome: str
    topic: str
    partition: int
    offset: int
    event_id: str = ""
    agent: str = ""
    attempt: int = 0
    code: str = ""
    """The dead letter's error code, the class of a failure, or what became of a step."""
    detail: str = ""
    seconds: float = 0.0
    """How long the agent ran."""
    events: int = 1
    """Of how many events: `received` is told once for a whole poll, `offset` is its last."""
    written_ms: int = 0
    """When the event's record was written; milliseconds since the epoch, 0 where it is not told."""
    replay: int = 0
    """Which replay of a dead letter it was."""


class Observer(Protocol):
    """Is told what became of events. Must not raise and must not block."""

    def observe(self, report: Report) -> None:
        """Take note."""


class Polls(Protocol):
    """Is told of monitors and schedules. Must not raise and must not block."""

    def polled(
        self, monitor: str, outcome: str, at: datetime, *, failures: int = 0, reason: str = ""
    ) -> None:
        """A monitor has looked: ok, unchanged, throttled, failed, or skipped.

        While it fails: how often in a row, and why it did last.
        """

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """A schedule was woken: fired, caught_up, or skipped; `at` is the slot."""


class NoPolls:
    """Nobody wants to know."""

    def polled(
        self, monitor: str, outcome: str, at: datetime, *, failures: int = 0, reason: str = ""
    ) -> None:
        """Forget it."""

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """Forget it."""


class Requests(Protocol):
    """Is told of requests to the gateway. Must not raise and must not block."""

    def answered(self, source: str, status: int, seconds: float) -> None:
        """One was answered. The source is `events`, or the configured name of a hook."""


class Calls(Protocol):
    """Is told of calls of models. Must not raise and must not block."""

    def called(
        self,
        agent: str,
        model: str,
        outcome: str,
        seconds: float,
        *,
        usage: Usage | None,
        usd: float | None,
    ) -> None:
        """One is over: ok, a code, or an error's class; what it took, as far as that is known."""


class Effects(Protocol):
    """Is told of effects that may have happened. Must not raise and must not block."""

    def unknown(self, channel: str) -> None:
        """Neither the channel nor the peer can tell about an interrupted one."""


class Pauses(Protocol):
    """Holds an agent's events back, for a circuit that is open or a budget that is spent.

    Kafka is the queue: nothing of the agent begins, and its partitions are not read on. What has
    begun goes on; it raises `RetryLater` itself.
    """

    def pause(self, agent: str, *, until: datetime, reason: str) -> None:
        """Hold the agent of this name back, on this worker; a later call replaces an earlier."""

    def resume(self, agent: str) -> None:
        """Let it go on before its time."""
