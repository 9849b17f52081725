"""Rules about keys: events of one key run one after the other, in the order of their topic."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.evidence import agent_of
from chaos.rules_runs import over
from chaos.shapes import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog
    from chaos.rules_runs import Fault
    from chaos.shapes import Expected
    from chaos.telling import Run

_UNORDERED = frozenset({"reminder"})
"""Delayed events do not hold their key, and come in the order of their times."""


def keys_in_order(evidence: Evidence) -> Iterator[Fault]:
    """An event starts only when its predecessor is over, in every history and in the one that
    counted: whatever runs again, its successors run again after it. A parked one holds them, too.
    """
    expected, runs = evidence.expected, evidence.runs_of
    counted = evidence.committed_runs
    for (topic, key), order in ordered(evidence):
        ran = [e for e in order if e in runs]
        for first, second in pairwise(ran):
            for run in runs[second]:
                if not _settled(expected[first], runs[first], run.start):
                    yield "order", f"{topic} {key}: {second} ({run.name}) before {first} was over"
        last: Run | None = None
        for run in (counted[e] for e in ran if e in counted):
            if last is not None and run.start < (last.end or 0.0):
                yield "order", f"{topic} {key}: {run.name} counted, and began before {last.name}"
            last = run


def emitted_in_order(evidence: Evidence) -> Iterator[Fault]:
    """The receipts of a key lie in the order of its events."""
    receipts = evidence.receipts
    for (topic, key), order in ordered(evidence):
        places = [(min(r["place"] for r in receipts[e]), e) for e in order if e in receipts]
        for (before, first), (after, second) in pairwise(places):
            if after < before:
                yield "emitted_order", f"{topic} {key}: receipt of {second} before that of {first}"


def ordered(evidence: Evidence) -> Iterator[tuple[tuple[str, str], list[int]]]:
    """By topic and key, the events whose order counts."""
    for place, order in evidence.sequences.items():
        if place[0] not in _UNORDERED:
            yield place, order


def keys_alone(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """No two runs of one agent and key at once, save beside a process that cannot know better."""
    lanes: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in evidence.runs:
        event = evidence.expected.get(run.e)
        if event is None or event.key is None:
            continue
        lane = lanes[agent_of(event), event.key]
        lane[:] = [other for other in lane if not over(other, run.start)]
        for other in lane:
            if other.pid == run.pid:
                yield "overlap", f"{event.key}: {run.name} beside {other.name} in one worker"
            elif not _unaware(run, other, faults):
                yield "overlap", f"{event.key}: {run.name} beside {other.name} of another worker"
        lane.append(run)


def _unaware(run: Run, other: Run, faults: FaultLog) -> bool:
    return (
        faults.dead(other.pid, run.start)
        or faults.zombie(other.pid, run.start, 15.0)
        or faults.zombie(run.pid, run.start)
        or faults.brokerless(run.start)
    )


def _settled(event: Expected, runs: list[Run], t: float) -> bool:
    """Whether an event's outcome was decided by then."""
    if event.fate == "crash":  # it never says that it ends
        return max(run.start for run in runs) < t
    return any(
        over(run, t)
        and (run.how in {"end", "reject"} or (run.how == "fail" and run.attempt >= ATTEMPTS))
        for run in runs
    )
