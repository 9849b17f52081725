"""Rules about waiting: delayed and parked events come once, not early, and not much too late.

That they come once is what the rules about runs say of every event.
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.evidence import header, home
from chaos.lateness import Overtaking, Waited, of_one_owner
from chaos.shapes import PARTITIONS, REMIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog
    from chaos.rules_runs import Fault

NOT_BEFORE = "streamagents-not-before"
HELD_S = 30.0
"""Waits up to this are held in the lane: a rebalance may end them early."""
EARLY_S = 0.02
LATE_S = 3.0
"""A delayed event may be so late beside others that are not: a second, on a free machine."""
LATE_PARKED_S = 20.0
"""One that was parked may have to wait for its agent, which may be busy with slow ones."""
_EMITTED_WITHIN_S = 1.0


def delayed_right(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """A delayed event says from when on it may run, and runs then."""
    runs = {run.name: run for run in evidence.runs}
    for record in evidence.topics["reminder"]:
        data = json.loads(record["value"])
        e, by = data["e"], runs.get(data["run"])
        origin = evidence.expected.get(e - REMIND)
        due = _due(header(record, NOT_BEFORE))
        if due is None or by is None or origin is None or origin.later is None:
            yield "delay", f"event {e} is due {header(record, NOT_BEFORE)}"
            continue
        after_s = due - by.wall - origin.later
        if not -EARLY_S <= after_s <= (by.end or by.start) - by.start + _EMITTED_WITHIN_S:
            yield "delay", f"event {e}, {origin.later} s later, is due {after_s:.2f} s after that"
        for run in evidence.runs_of.get(e, ()):
            if run.wall < due - EARLY_S:
                yield "early", f"event {e}: {run.name} began {due - run.wall:.2f} s early"
    overtaking = Overtaking(evidence, faults, of_one_owner(PARTITIONS["reminder"]))
    for partition, waited in delayed(evidence):
        if by_whom := overtaking.by(waited, partition, LATE_S):
            yield "late", f"event {waited.run.e} came {waited.late_s:.2f} s late, after {by_whom}"


def parked_right(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """An event that asked to be tried again later is, and not before."""
    for e, runs in evidence.runs_of.items():
        for asked, run in pairwise(runs):
            if asked.how == "wait" and asked.end is not None and run.wall < asked.until - EARLY_S:
                held = asked.until - asked.wall <= HELD_S
                restless = faults.calm(asked.end, run.start) < run.start - asked.end
                known = faults.zombie(run.pid, run.start) or run.start < asked.end
                if not (
                    known
                    or (held and restless)
                    or faults.gap(asked.pid, asked.end, evidence.place(e))
                ):
                    early_s = asked.until - run.wall
                    yield "early", f"event {e}: {run.name} began {early_s:.2f} s early"
    by_topic: dict[str, Overtaking] = {}
    for topic, partition, waited in parked(evidence):
        if topic not in by_topic:
            by_topic[topic] = Overtaking(evidence, faults, frozenset({topic}))
        if by_whom := by_topic[topic].by(waited, partition, LATE_PARKED_S):
            yield "late", f"event {waited.run.e} came {waited.late_s:.2f} s late, after {by_whom}"


def delayed(evidence: Evidence) -> list[tuple[int, Waited]]:
    """Of each delayed event that ran, its partition and how late that was: after its time, or after
    it was emitted if that took longer.
    """
    found: list[tuple[int, Waited]] = []
    names = {run.name: run for run in evidence.runs}
    for record in evidence.topics["reminder"]:
        data, due = json.loads(record["value"]), _due(header(record, NOT_BEFORE))
        by, runs = names.get(data["run"]), evidence.runs_of.get(data["e"])
        if due is not None and runs and by is not None and by.end is not None:
            emitted = by.wall + by.end - by.start
            waited = Waited(run=runs[0], since=emitted, due=max(due, emitted))
            found.append((record["partition"], waited))
    return found


def parked(evidence: Evidence) -> list[tuple[str, int, Waited]]:
    """Of each wait that an agent asked for, and that was longer than a lane is held: the topic, the
    partition, and how late it ended.
    """
    return [
        (event.topic, home(event), Waited(run=run, since=asked.wall, due=asked.until))
        for e, runs in evidence.runs_of.items()
        for asked, run in pairwise(runs)
        if asked.how == "wait" and asked.until - asked.wall > HELD_S
        if (event := evidence.expected.get(e)) is not None
    ]


def _due(raw: str | None) -> float | None:
    return None if raw is None else datetime.fromisoformat(raw).timestamp()
