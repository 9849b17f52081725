"""The view: what a worker shows of itself, taken in its event loop, read by any thread."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - dataclasses are read back in tests
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["starting", "running", "stopping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """One partition of one topic that is ours. Durations are seconds."""

    topic: str
    partition: int
    position: int = 0
    """The commit position."""
    lag: int = 0
    """Offsets behind the commit position; not all of them are records."""
    in_flight: int = 0
    """Events delivered and not finished."""
    oldest_s: float = 0.0
    """For how long the oldest of them has been in our hands."""
    stalled_s: float = 0.0
    """For how long the commit position has stood still with events behind it."""
    quiet_s: float = 0.0
    """For how long nothing of it was delivered, begun or ended."""
    running: int = 0
    """Handlers that run for it, and for what shares its state."""
    asleep: int = 0
    """Events that wait in their lane: for a retry, a turn, a write."""
    barred: bool = False
    """Its agent has no turn free: others run."""
    held: str = ""
    """Why its agent is held back on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A handler that has outlived its timeout."""

    agent: str
    seconds: float
    """Beyond the timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One folder or queue that a process listens to."""

    source: str
    """As in the `ce_source` of its events."""
    away: str = ""
    """Why it cannot be read; empty while it can."""
    away_s: float = 0.0
    """For how long."""
    events: Mapping[str, int] = field(default_factory=dict)
    """By outcome, what became of its rows or messages."""
    files: Mapping[str, int] = field(default_factory=dict)
    """By outcome, what became of its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look. `at` and what is derived from it is monotonic seconds."""

    at: float
    phase: Phase = "starting"
    waits_for: str = ""
    """At a start, what for."""
    late_s: float = 0.0
    """By which this look was late: the event loop was held."""
    silent_s: float = 0.0
    """Since a broker was heard of."""
    recovered: bool = False
    """The state is there, and intake has begun."""
    sources: tuple[SourceView, ...] = ()
    missing: tuple[str, ...] = ()
    """Topics that are gone."""
    heard: tuple[Heard, ...] = ()
    """Folders and queues, of a process that listens to them."""
    overdue: tuple[Overdue, ...] = ()
    running: Mapping[str, int] = field(default_factory=dict)
    """By agent, events whose agent runs."""
    parked: Mapping[str, int] = field(default_factory=dict)
    """By agent."""
    delayed: Mapping[str, int] = field(default_factory=dict)
    """By topic."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """By topic, seen ids."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """By channel, effects that are not delivered."""
    provider: str = ""
    """Who answers `ctx.llm`."""
    circuit: str = ""
    """Why the provider is left alone; empty if it is not."""
    budget: Mapping[str, float] = field(default_factory=dict)
    """By scope, what is left of the day's: 0 to 1."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """By scope, calls that its budget refused."""
    crashes: int = 0
    """Processes before this one, in its data folder, that did not end cleanly."""
    letters: Mapping[str, tuple[int, float]] | None = None
    """By topic, dead letters and the time of the oldest; None where another worker tells."""
