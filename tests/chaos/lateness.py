"""How late waiting events came, and which of them came too late.

Seconds alone do not say it: a round has minutes in which workers are behind with everything. An
event that waited came too late if its owner lived, was not behind, and preferred others to it: one
of the same partition that was written when it was overdue already was begun at once, and before it,
while all was calm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.evidence import home
from chaos.shapes import AGENTS, PARTITIONS

if TYPE_CHECKING:
    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog
    from chaos.telling import Run

_PROMPT_S = 2.0
"""Who begins events so soon after they were written is not behind."""
_SUSPECT = 2
"""Deaths that an event has lived through when it has to wait for a turn of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """One wait that ended with a run. Seconds after its time."""

    run: Run
    since: float
    """When the event began to wait, by the clock on the wall."""
    due: float

    @property
    def late_s(self) -> float:
        """How late it came."""
        return self.run.wall - self.due

    def calm(self, faults: FaultLog) -> bool:
        """Whether nothing was amiss with anybody from the moment that it began to wait."""
        return _calm(self.run, self.run.wall - self.since, faults)


class Overtaking:
    """Finds who was overtaken by younger events.

    Args:
        evidence: the round.
        faults: its faults.
        topics: whose events are looked at: those of one state partition share an owner.
    """

    def __init__(self, evidence: Evidence, faults: FaultLog, topics: frozenset[str]) -> None:
        self._faults = faults
        begun: dict[int, list[tuple[float, float, str]]] = defaultdict(list)
        for e, written in evidence.written.items():
            event, runs = evidence.expected[e], evidence.runs_of.get(e)
            if event.topic not in topics or event.key is None or not runs:
                continue
            waited_s = runs[0].wall - written
            if waited_s <= _PROMPT_S and _calm(runs[0], waited_s, faults):
                begun[home(event)].append((written, runs[0].wall, runs[0].name))
        self._written: dict[int, list[float]] = {}
        self._first: dict[int, list[tuple[float, str]]] = {}
        for partition, rows in begun.items():
            rows.sort()
            self._written[partition] = [written for written, _, _ in rows]
            first: list[tuple[float, str]] = []
            for _, wall, name in reversed(rows):
                first.append(min((wall, name), first[-1]) if first else (wall, name))
            self._first[partition] = first[::-1]

    def by(self, waited: Waited, partition: int, bound_s: float) -> str:
        """The run that began while an event was overdue by more than a bound; empty for none."""
        calm_s = self._faults.calm(waited.run.start - waited.late_s, waited.run.start)
        if calm_s <= bound_s or self._suspect(waited):
            return ""
        index = bisect_left(self._written.get(partition, []), waited.due + bound_s)
        later = self._first.get(partition, [])[index : index + 1]
        return later[0][1] if later and later[0][0] < waited.run.wall else ""

    def _suspect(self, waited: Waited) -> bool:
        start = waited.run.start - (waited.run.wall - waited.since)
        return self._faults.deaths(start, waited.run.start) >= _SUSPECT


def _calm(run: Run, waited_s: float, faults: FaultLog) -> bool:
    return faults.calm(run.start - waited_s, run.start) >= waited_s


def of_one_owner(partitions: int) -> frozenset[str]:
    """The topics that share their state partitions, by how many they have."""
    return frozenset(topic for topic in AGENTS if PARTITIONS[topic] == partitions)
