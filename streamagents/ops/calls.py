"""Metrics of what a process asks and is asked: models, monitors, schedules, the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamagents.ops.series import Bounded, Counts, Times, gauge

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from prometheus_client.core import Metric

    from streamagents.ports import Usage

_TOKENS = ("input", "output", "cache_write", "cache_read")
_POLLS = ("ok", "unchanged", "throttled", "failed", "skipped")
_SUCCESS = frozenset({"ok", "unchanged"})
_SLOTS = ("fired", "caught_up", "skipped")
_ANSWERS = ("202", "400", "401", "404", "503")


class ModelMetrics:
    """The port `Calls`: what models were asked, what it took, what it cost.

    Args:
        agents: the application's.
        model: asked where an agent names none.
    """

    def __init__(self, agents: Iterable[str], model: str) -> None:
        known = [(agent, model) for agent in agents]
        self._models, self._outcomes = Bounded([model]), Bounded(["ok"])
        self._seconds = Times(
            "llm_request_duration_seconds",
            "How long a call of a model took.",
            ("agent", "model", "outcome"),
            [(*pair, "ok") for pair in known],
        )
        self._tokens = Counts(
            "llm_tokens",
            "Tokens that models took and gave.",
            ("agent", "model", "type"),
            [(*pair, kind) for pair in known for kind in _TOKENS],
        )
        self._usd = Counts(
            "llm_cost_usd",
            "What models cost, as far as their prices are known.",
            ("agent", "model"),
            known,
        )

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
        """A call is over."""
        model = self._models(model)
        self._seconds.of((agent, model, self._outcomes(outcome))).observe(seconds)
        if usage is not None:
            for kind in _TOKENS:
                self._tokens.add((agent, model, kind), getattr(usage, f"{kind}_tokens"))
        if usd is not None:
            self._usd.add((agent, model), usd)

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        for series in (self._seconds, self._tokens, self._usd):
            yield from series.collect()


class LastPoll(NamedTuple):
    """What came of a monitor's last look, and how it stands since."""

    at: datetime
    outcome: str
    failures: int = 0
    """In a row."""
    reason: str = ""
    """Of the last of them."""


class PollMetrics:
    """The port `Polls`: monitors and schedules.

    Args:
        monitors: their names.
        schedules: their names.
    """

    def __init__(self, monitors: Iterable[str] = (), schedules: Iterable[str] = ()) -> None:
        self._polls = Counts(
            "monitor_polls",
            "What monitors found when they looked.",
            ("monitor", "outcome"),
        )
        self._slots = Counts(
            "schedule_slots",
            "What became of the slots of schedules.",
            ("schedule", "outcome"),
        )
        self._last: dict[str, LastPoll | None] = {}
        self._success: dict[str, float] = {}
        self.know(monitors, schedules)

    def know(self, monitors: Iterable[str] = (), schedules: Iterable[str] = ()) -> None:
        """Show these from here on, also while there is nothing to say about them."""
        for monitor in monitors:
            self._last.setdefault(monitor, None)
            self._success.setdefault(monitor, 0.0)
            for outcome in _POLLS:
                self._polls.add((monitor, outcome), 0.0)
        for schedule in schedules:
            for outcome in _SLOTS:
                self._slots.add((schedule, outcome), 0.0)

    def last_polls(self) -> dict[str, LastPoll | None]:
        """By monitor, its last look."""
        return dict(self._last)

    def polled(
        self, monitor: str, outcome: str, at: datetime, *, failures: int = 0, reason: str = ""
    ) -> None:
        """A monitor has looked."""
        self._polls.add((monitor, outcome))
        self._last[monitor] = LastPoll(at, outcome, failures, reason)
        if outcome in _SUCCESS:
            self._success[monitor] = at.timestamp()

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:  # noqa: ARG002 - the port's
        """A schedule was woken."""
        self._slots.add((schedule, outcome))

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        yield from self._polls.collect()
        yield from self._slots.collect()
        yield gauge(
            "monitor_last_success_timestamp_seconds",
            "When a monitor looked last and got an answer; 0 is not yet.",
            ("monitor",),
            {(name,): at for name, at in list(self._success.items())},
        )


class RequestMetrics:
    """The port `Requests`: what was posted to the gateway.

    Args:
        sources: `events` and the configured hooks.
    """

    def __init__(self, sources: Iterable[str] = ("events",)) -> None:
        names = list(sources)
        self._sources = Bounded(names)
        self._requests = Counts(
            "webhook_requests",
            "Requests to the gateway by the status of their answer.",
            ("source", "status"),
            [(name, status) for name in names for status in _ANSWERS],
        )
        self._seconds = Times(
            "webhook_request_duration_seconds",
            "From a request to its answer.",
            ("source",),
            [(name,) for name in names],
        )

    def answered(self, source: str, status: int, seconds: float) -> None:
        """One was answered."""
        source = self._sources(source)
        self._requests.add((source, str(status)))
        self._seconds.of((source,)).observe(seconds)

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        yield from self._requests.collect()
        yield from self._seconds.collect()
