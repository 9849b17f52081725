"""Gauges: what a worker's view says at the moment of a scrape."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, get_args

from streamagents.ops.health import Status, judge
from streamagents.ops.series import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.core import Metric

    from streamagents.ops.events import Handled
    from streamagents.ops.view import View


class Gauges:
    """A collector of what is true now.

    Args:
        handled: what there is; all of it is shown, at 0 where there is nothing to say.
        view: the newest.
        last: by topic, when an event ended last.
    """

    def __init__(
        self, handled: Handled, view: Callable[[], View], last: Mapping[str, float]
    ) -> None:
        self._handled, self._view, self._last = handled, view, last

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        view = self._view()
        agents = self._handled.everybody
        topics = [topic for topic, _ in self._handled.topics]
        for name, about, label, known, values in (
            ("inflight_events", "Events whose agent runs.", "agent", agents, view.running),
            ("parked_events", "Events that wait, parked.", "agent", agents, view.parked),
            ("delayed_events", "Events that may not run yet.", "topic", topics, view.delayed),
            ("dedupe_entries", "Seen ids, as last counted.", "topic", topics, view.marks),
            (
                "outbox_pending",
                "Effects in the hands of this worker, not delivered.",
                "channel",
                self._handled.channels,
                view.pending,
            ),
            (
                "last_event_processed_timestamp_seconds",
                "When an event of a topic ended last; 0 is not yet.",
                "topic",
                topics,
                self._last,
            ),
        ):
            yield gauge(name, about, (label,), _all(known, values))
        yield from self._of_partitions(view)
        yield from self._of_models(view)
        yield from self._of_the_process(view)
        if view.letters is not None:
            yield from _of_letters(view.letters)

    def _of_partitions(self, view: View) -> Iterable[Metric]:
        labels = ("topic", "partition")
        yield gauge(
            "consumer_lag",
            "Offsets from the commit position to the end.",
            labels,
            {(s.topic, str(s.partition)): s.lag for s in view.sources},
        )
        yield gauge(
            "commit_stalled_seconds",
            "For how long a commit position has stood still with events behind it.",
            labels,
            {(s.topic, str(s.partition)): s.stalled_s for s in view.sources},
        )

    def _of_models(self, view: View) -> Iterable[Metric]:
        provider: dict[tuple[str, ...], float] = {}
        if view.provider:
            provider[view.provider,] = float(bool(view.circuit))
        yield gauge(
            "circuit_open", "1: the provider is left alone for a while.", ("provider",), provider
        )
        yield gauge(
            "budget_remaining_ratio",
            "What is left of this worker's share of the day's budget.",
            ("scope",),
            {(scope,): ratio for scope, ratio in view.budget.items()},
        )
        yield counter(
            "budget_rejections",
            "Calls that a budget refused.",
            ("scope",),
            {(scope,): float(view.rejected.get(scope, 0)) for scope in view.budget},
        )

    def _of_the_process(self, view: View) -> Iterable[Metric]:
        yield loop_lag(view)
        yield counter(
            "worker_crashes",
            "Processes in this worker's data folder that did not end cleanly.",
            (),
            {(): float(view.crashes)},
        )


def loop_lag(view: View) -> Metric:
    """By how much its process was late to look, or is now."""
    late_s = max(0.0, view.late_s, time.monotonic() - view.at - LOOK_S)
    return gauge("loop_lag_seconds", "By which the event loop is late.", (), {(): late_s})


class HealthStatus:
    """A collector of what `/health` says, so that alerts say the same.

    Args:
        view: the newest.
        stuck_after_s: the setting.
    """

    def __init__(self, view: Callable[[], View], stuck_after_s: float) -> None:
        self._view, self._stuck_after_s = view, stuck_after_s

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        verdict = judge(self._view(), now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        yield gauge(
            "health_status",
            "1: this is what the page /health says.",
            ("status",),
            {(status,): float(status == verdict.status) for status in get_args(Status)},
        )


LOOK_S = 0.5
"""Between two views."""


def _of_letters(letters: Mapping[str, tuple[int, float]]) -> Iterable[Metric]:
    yield gauge(
        "dlq_depth",
        "Dead letters that lie there, of the whole group.",
        ("topic",),
        {(topic,): float(count) for topic, (count, _) in letters.items()},
    )
    yield gauge(
        "dlq_oldest_timestamp_seconds",
        "When the oldest dead letter was written; 0 is none.",
        ("topic",),
        {(topic,): at for topic, (_, at) in letters.items()},
    )


def _all(known: Iterable[str], values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {(name,): 0.0 for name in known}
    found.update({(name,): float(value) for name, value in list(values.items())})
    return found
