"""What one state partition shows of itself, added up over those of a worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamagents.ops.view import SourceView
from streamagents.runtime.census import delayed, marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.runtime.handling import Handling
    from streamagents.runtime.intake import Intake
    from streamagents.runtime.lanes import Lanes
    from streamagents.runtime.shared import Worker
    from streamagents.runtime.store import Store
    from streamagents.runtime.waiting import Waiting


@dataclass(slots=True)
class Shown:
    """A worker's partitions, added up."""

    sources: list[SourceView] = field(default_factory=list)
    parked: Counter[str] = field(default_factory=Counter)
    delayed: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)


class Window:
    """Looks into one state partition.

    Args:
        partition: its number.
        worker: what the worker's partitions share.
        store: its state.
        waiting: what waits in it.
        handling: what runs.
        lanes: what runs, or waits for its turn.
        intakes: its sources, by topic.
        agents: by topic, whose it is; None where it leads to several.
    """

    def __init__(
        self,
        partition: int,
        *,
        worker: Worker,
        store: Store,
        waiting: Waiting,
        handling: Handling,
        lanes: Lanes[Any],
        intakes: Mapping[str, Intake],
        agents: Mapping[str, str | None],
    ) -> None:
        self._partition, self._worker, self._waiting = partition, worker, waiting
        self._handling, self._lanes = handling, lanes
        self._intakes, self._agents = intakes, agents
        self._marks, self._delayed = marks(store), delayed(store)
        self._stood: dict[str, tuple[tuple[int, ...], float]] = {}

    def look(self, shown: Shown) -> None:
        """Add what is there."""
        self._marks.look()
        self._delayed.look()
        parked = self._waiting.parked_by_agent()
        shown.parked.update(parked)
        shown.delayed.update(self._delayed.counts)
        shown.marks.update(self._marks.counts)
        for topic, intake in self._intakes.items():
            shown.sources.append(self._source(topic, intake))
            shown.pending.update(intake.unfinished_by_name)

    def _source(self, topic: str, intake: Intake) -> SourceView:
        worker, ledger = self._worker, intake.ledger
        now_s = worker.clock.monotonic()
        end = worker.end_of(topic, self._partition)
        running = len(self._handling.running)
        return SourceView(
            topic=topic,
            partition=self._partition,
            position=ledger.position,
            lag=max(0, (end or 0) - ledger.position),
            in_flight=ledger.unfinished,
            oldest_s=intake.oldest_s(now_s),
            stalled_s=intake.stalled_s(now_s),
            quiet_s=self._quiet_s(topic, intake, now_s),
            running=running,
            asleep=max(0, len(self._lanes.tasks) - running),
            barred=not worker.gate.open_to(intake.subscription.registration),
            held=self._held(topic),
        )

    def _held(self, topic: str) -> str:
        if self._waiting.full:
            return f"{self._waiting.parked:,} events are parked on partition {self._partition}"
        agent = self._agents.get(topic)
        return self._worker.pauses.held(agent) if agent else ""

    def _quiet_s(self, topic: str, intake: Intake, now_s: float) -> float:
        ledger = intake.ledger
        now = ledger.position, ledger.next, ledger.unfinished, self._handling.begun
        before, since_s = self._stood.get(topic, ((), now_s))
        if now != before:
            self._stood[topic] = now, now_s
            return 0.0
        return now_s - since_s
