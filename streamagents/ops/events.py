"""Metrics of events: what was received, what became of it, how long it took, how old it was."""

from __future__ import annotations

from bisect import bisect_left
from time import time as _now
from typing import TYPE_CHECKING

from streamagents.ops.counted import (
    FAILURES,
    LETTER_CODES,
    OUTCOMES,
    Handled,
    of_agents,
    of_effects,
    of_letters,
    of_topics,
)
from streamagents.ops.series import BOUNDS, LONG_BOUNDS, Bounded, Counts, Spread, Times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from streamagents.ports import Report

__all__ = ["EventMetrics", "Handled"]

_ENDS = frozenset({"ok", "duplicate", "dead_lettered", "skipped"})
_TIMED = ("ok", "retried", "dead_lettered")


class _Row:
    """The numbers of one agent and topic: found once, then only added to."""

    __slots__ = ("age", "counts", "ok", "seconds")

    def __init__(self, age: Spread, seconds: Spread) -> None:
        self.ok = 0
        self.counts = dict.fromkeys(OUTCOMES[1:], 0)
        self.age, self.seconds = age, seconds
        """Of those that succeeded."""


class EventMetrics:
    """The port `Observer`: numbers of one worker.

    Args:
        handled: what there is; all of it is there at 0 from the beginning.
    """

    def __init__(self, handled: Handled) -> None:
        self._handled = handled
        self._agent_of = dict(handled.topics)
        self.last: dict[str, float] = dict.fromkeys(self._agent_of, 0.0)
        """By topic, when an event ended last; seconds since the epoch, 0 is never."""
        self._failures, self._codes = Bounded(FAILURES), Bounded(LETTER_CODES)
        self._counts = {
            **of_topics(handled),
            **of_agents(handled),
            **of_letters(handled),
            **of_effects(handled),
        }
        self._seconds = Times(
            "event_duration_seconds",
            "How long one attempt of an agent took.",
            ("agent", "outcome"),
            [(agent, outcome) for agent in handled.everybody for outcome in _TIMED],
        )
        self._age = Times(
            "event_age_seconds",
            "From the writing of an event to its end, its waits included.",
            ("topic",),
            [(topic,) for topic in self._agent_of],
            bounds=LONG_BOUNDS,
        )
        self._rows = {pair: self._new_row(*pair) for pair in handled.pairs}

    def observe(self, report: Report) -> None:
        """Take note."""
        outcome = report.outcome
        if outcome == "ok":
            self._ok(report)
        elif outcome != "started":
            self._rare(report)

    def unknown(self, channel: str) -> None:
        """The port `Effects`."""
        self._counts["effects_unknown"].add((channel,))

    def truncated(self, topic: str, records: int) -> None:
        """Records were deleted before they were read."""
        self._counts["events_truncated"].add((topic,), records)

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        processed = Counts(
            "events_processed", "Events by what became of them.", ("agent", "topic", "outcome")
        )
        for (agent, topic), row in list(self._rows.items()):
            processed.values[agent, topic, "ok"] = float(row.ok)
            for outcome, count in row.counts.items():
                processed.values[agent, topic, outcome] = float(count)
            if topic == self._handled.actions:
                self._counts["actions"].values[agent, "sent"] = float(row.ok)
        yield from processed.collect()
        yield from self._seconds.collect()
        yield from self._age.collect()
        for series in self._counts.values():
            yield from series.collect()

    # -- reports ---------------------------------------------------------------------------------

    def _ok(self, report: Report) -> None:
        # Nearly every event comes by here: nothing is called that need not be.
        _, topic, _, _, _, agent, _, _, _, seconds, _, written_ms, replay = report
        row = self._rows.get((agent, topic)) or self._row(agent, topic)
        spread = row.seconds
        spread.counts[bisect_left(BOUNDS, seconds)] += 1
        spread.total += seconds
        row.ok += 1
        self.last[topic] = now = _now()
        if written_ms > 0:
            age_s = now - written_ms / 1000
            spread = row.age
            spread.counts[bisect_left(LONG_BOUNDS, age_s)] += 1
            spread.total += age_s if age_s > 0 else 0.0
        if replay:
            self._counts["dlq_replayed"].add((topic, "ok"))

    def _rare(self, report: Report) -> None:
        topic, outcome = report.topic, report.outcome
        agent = report.agent or self._agent_of.get(topic, "")
        if outcome == "received":
            self._counts["events_received"].add((topic,), report.events)
        elif outcome in self._row(agent, topic).counts:
            self._end(report, agent)
        elif outcome == "forwarded":
            self._counts["events_forwarded"].add((topic,))
        elif outcome == "parked":
            self._counts["events_parked"].add((agent,))
        elif outcome == "step":
            self._counts["steps"].add((agent, report.code))
        elif outcome == "step_rerun":
            self._counts["steps_rerun"].add((report.code,))

    def _end(self, report: Report, agent: str) -> None:
        """An end, or a retry."""
        topic, outcome = report.topic, report.outcome
        row = self._row(agent, topic)
        row.counts[outcome] += 1
        if outcome in _ENDS:
            self.last[topic] = _now()
        if outcome in _TIMED:
            self._seconds.of((agent, outcome)).observe(report.seconds)
        if outcome == "retried":
            self._counts["retries"].add((agent, self._failures(report.code)))
        elif outcome == "dead_lettered":
            self._counts["dlq_messages"].add((topic, self._codes(report.code)))
            if report.replay:
                self._counts["dlq_replayed"].add((topic, outcome))
        elif outcome == "duplicate":
            self._counts["dedupe_hits"].add((topic,))
            if report.code == "conflict":
                self._counts["dedupe_conflicts"].add((topic,))
        if topic == self._handled.actions:
            self._counts["actions"].add((agent, outcome))

    def _row(self, agent: str, topic: str) -> _Row:
        row = self._rows.get((agent, topic))
        if row is None:
            row = self._rows[agent, topic] = self._new_row(agent, topic)
        return row

    def _new_row(self, agent: str, topic: str) -> _Row:
        return _Row(self._age.of((topic,)), self._seconds.of((agent, "ok")))
