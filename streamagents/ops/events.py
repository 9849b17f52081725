"""Metrics of events: what was received, what became of it, how long it took, how old it was."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from time import time as _now
from typing import TYPE_CHECKING

from streamagents.ops.series import BOUNDS, LONG_BOUNDS, Bounded, Counts, Spread, Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from streamagents.ports import Report

OUTCOMES = ("ok", "duplicate", "retried", "dead_lettered", "skipped", "awaiting_review")
"""Of `events_processed_total`. A retried event is none that has ended: it comes again."""
_ENDS = frozenset({"ok", "duplicate", "dead_lettered", "skipped"})
_TIMED = ("ok", "retried", "dead_lettered")
_STEPS = ("ran", "stored", "failed")
_RERUNS = ("arguments", "version", "invalid")
LETTER_CODES = (
    "failed",
    "rejected",
    "invalid",
    "undecodable",
    "tombstone",
    "no_type",
    "too_large",
    "unwritable",
    "crash",
    "waited_too_long",
    "state_invalid",
    "unknown_channel",
    "outcome_unknown",
)
"""Codes that any topic's dead letters may have."""
_FAILURES = ("TimeIsUpError", "ModelError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What one application handles, as far as labels are concerned. Topics as on the broker."""

    topics: tuple[tuple[str, str], ...] = ()
    """Each with the agent of what cannot be read there."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Agent and topic."""
    actions: str = ""
    """The topic of effects; its agents are the channels."""
    ticks: str = ""
    """The topic of ticks; its agents are schedules and monitors."""

    @property
    def agents(self) -> Sequence[str]:
        """Those that handle events."""
        ours = {self.actions, self.ticks}
        return sorted({agent for agent, topic in self.pairs if topic not in ours})

    @property
    def everybody(self) -> Sequence[str]:
        """Channels, schedules and monitors among them."""
        return sorted({agent for agent, _ in self.pairs})

    @property
    def channels(self) -> Sequence[str]:
        """The channels."""
        return sorted({agent for agent, topic in self.pairs if topic == self.actions})


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
        topics = [topic for topic, _ in handled.topics]
        one = [(topic,) for topic in topics]
        agents = handled.everybody
        self.last: dict[str, float] = dict.fromkeys(topics, 0.0)
        """By topic, when an event ended last; seconds since the epoch, 0 is never."""
        self._failures, self._codes = Bounded(_FAILURES), Bounded(LETTER_CODES)
        self._received = Counts("events_received", "Records taken in.", ("topic",), one)
        self._forwarded = Counts(
            "events_forwarded", "Records written to where they belong.", ("topic",), one
        )
        self._conflicts = Counts(
            "dedupe_conflicts", "Duplicates whose bytes differ from the first's.", ("topic",), one
        )
        self._dedupe = Counts("dedupe_hits", "Events that ran before.", ("topic",), one)
        self._seconds = Times(
            "event_duration_seconds",
            "How long one attempt of an agent took.",
            ("agent", "outcome"),
            [(agent, outcome) for agent in agents for outcome in _TIMED],
        )
        self._age = Times(
            "event_age_seconds",
            "From the writing of an event to its end, its waits included.",
            ("topic",),
            one,
            bounds=LONG_BOUNDS,
        )
        self._retries = Counts(
            "retries",
            "Failed attempts that are followed by another.",
            ("agent", "error_type"),
            [(agent, failure) for agent in agents for failure in _FAILURES],
        )
        self._parked = Counts(
            "events_parked", "Times that an event was put off.", ("agent",), [(a,) for a in agents]
        )
        self._letters = Counts(
            "dlq_messages",
            "Dead letters written.",
            ("topic", "error_type"),
            [(topic, code) for topic in topics for code in LETTER_CODES],
        )
        self._actions = Counts(
            "actions",
            "What became of effects.",
            ("channel", "outcome"),
            [(c, o) for c in handled.channels for o in ("sent", *OUTCOMES[1:-1])],
        )
        self._unknown = Counts(
            "effects_unknown",
            "Effects of which nobody could tell whether they had happened.",
            ("channel",),
            [(channel,) for channel in handled.channels],
        )
        self._steps = Counts(
            "steps",
            "Durable steps: run, taken from the state, or failed.",
            ("agent", "outcome"),
            [(agent, outcome) for agent in handled.agents for outcome in _STEPS],
        )
        self._reruns = Counts(
            "steps_rerun", "Stored steps that did not count.", ("reason",), [(r,) for r in _RERUNS]
        )
        self._replayed = Counts(
            "dlq_replayed",
            "What became of dead letters that were replayed.",
            ("topic", "outcome"),
            [(topic, outcome) for topic in topics for outcome in ("ok", "dead_lettered")],
        )
        self._truncated = Counts(
            "events_truncated", "Records deleted before they were read.", ("topic",), one
        )
        self._agent_of = dict(handled.topics)
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
        self._unknown.add((channel,))

    def truncated(self, topic: str, records: int) -> None:
        """Records were deleted before they were read."""
        self._truncated.add((topic,), records)

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
                self._actions.values[agent, "sent"] = float(row.ok)
        for series in (
            processed,
            self._received,
            self._forwarded,
            self._seconds,
            self._age,
            self._retries,
            self._parked,
            self._letters,
            self._replayed,
            self._dedupe,
            self._conflicts,
            self._truncated,
            self._steps,
            self._reruns,
            self._actions,
            self._unknown,
        ):
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
            self._replayed.add((topic, "ok"))

    def _rare(self, report: Report) -> None:
        topic, outcome = report.topic, report.outcome
        agent = report.agent or self._agent_of.get(topic, "")
        if outcome == "received":
            self._received.add((topic,), report.events)
        elif outcome in self._row(agent, topic).counts:
            self._end(report, agent)
        elif outcome == "forwarded":
            self._forwarded.add((topic,))
        elif outcome == "parked":
            self._parked.add((agent,))
        elif outcome == "step":
            self._steps.add((agent, report.code))
        elif outcome == "step_rerun":
            self._reruns.add((report.code,))

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
            self._retries.add((agent, self._failures(report.code)))
        elif outcome == "dead_lettered":
            self._letters.add((topic, self._codes(report.code)))
            if report.replay:
                self._replayed.add((topic, outcome))
        elif outcome == "duplicate":
            self._dedupe.add((topic,))
            if report.code == "conflict":
                self._conflicts.add((topic,))
        if topic == self._handled.actions:
            self._actions.add((agent, outcome))

    def _row(self, agent: str, topic: str) -> _Row:
        row = self._rows.get((agent, topic))
        if row is None:
            row = self._rows[agent, topic] = self._new_row(agent, topic)
        return row

    def _new_row(self, agent: str, topic: str) -> _Row:
        return _Row(self._age.of((topic,)), self._seconds.of((agent, "ok")))
