"""Rules about runs: what ran again, in which order keys ran, how attempts were counted, how many.

A run *counted* if a `read_committed` reader sees what it emitted. That is exact: whoever takes a
partition over fences the last owner first, so that from then on each of its runs either counts or
never will. Hence no window of time is needed to say that an event that counted must not run again;
only a process that stood still may do so, until it hears what it has lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.evidence import agent_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence, Run
    from chaos.faultlog import FaultLog
    from chaos.rules_outcomes import Fault
    from chaos.shapes import Expected

ATTEMPTS = 3


def ran_again(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """Nothing that counted runs again, and what ended and did not count has a fault to blame."""
    counted = evidence.committed_runs()
    for e, runs in evidence.runs_of().items():
        good = counted.get(e)
        if good is None:
            continue
        for run in runs:
            late = good.end is not None and run.start > good.end
            if late and not faults.zombie(run.pid, run.start):
                yield "ran_again", f"event {e}: {run.name} after {good.name} {_since(run, good)}"
            elif run is not good and not late and _unexplained(run, faults):
                yield "redone", f"event {e}: {run.name} ended, did not count, no fault near"


def _unexplained(run: Run, faults: FaultLog) -> bool:
    return run.how == "end" and run.end is not None and faults.gap(run.pid, run.end) is None


def redone(evidence: Evidence, faults: FaultLog) -> tuple[Counter[str], float]:
    """Runs that ended and did not count, by the fault to blame; and the longest time before it."""
    counted = {run.name for run in evidence.committed_runs().values()}
    kinds: Counter[str] = Counter()
    longest = 0.0
    for run in evidence.runs:
        if run.how == "end" and run.end is not None and run.name not in counted:
            found = faults.gap(run.pid, run.end)
            if found:
                kinds[found[0]] += 1
                longest = max(longest, found[1])
    return kinds, longest


def zombies(evidence: Evidence, faults: FaultLog) -> tuple[int, float]:
    """Runs that awoken processes began of events that had counted elsewhere meanwhile; and how
    long after they awoke at most.
    """
    counted, runs = evidence.committed_runs(), evidence.runs_of()
    found = [
        faults.since_thaw(run.pid, run.start)
        for e, good in counted.items()
        for run in runs[e]
        if run.start > (good.end or run.start) and faults.zombie(run.pid, run.start)
    ]
    return len(found), max(found, default=0.0)


def attempts_kept(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """A failure is not forgotten, unless its process was hit before it could be written."""
    for e, runs in evidence.runs_of().items():
        for index, run in enumerate(runs):
            if faults.zombie(run.pid, run.start):
                continue
            before = [r for r in runs[:index] if _over(r, run.start)]
            if run.attempt > 1 and not any(_failed(r, run.attempt - 1) for r in before):
                yield "attempts", f"event {e}: {run.name} is attempt {run.attempt} out of nothing"
            for failure in before:
                if _forgotten(failure, run) and not faults.gap(failure.pid, failure.end or 0.0):
                    what = f"{failure.name}, attempt {failure.attempt}, ended as {failure.how}"
                    yield "attempts", f"event {e}: {run.name} is attempt {run.attempt}; {what}"


def _failed(run: Run, attempt: int) -> bool:
    return run.how == "fail" and run.attempt == attempt


def _forgotten(failure: Run, run: Run) -> bool:
    """Whether a run begins as if that failure had not been. Nothing follows a rejection."""
    return failure.how == "reject" or (failure.how == "fail" and failure.attempt >= run.attempt)


def keys_in_order(evidence: Evidence) -> Iterator[Fault]:
    """An event starts only when its predecessor is over, in every history and in the one that
    counted: whatever runs again, its successors run again after it.
    """
    expected, runs = evidence.expected(), evidence.runs_of()
    counted = evidence.committed_runs()
    for (topic, key), order in evidence.sequences().items():
        ran = [e for e in order if runs.get(e)]
        for first, second in pairwise(ran):
            for run in runs[second]:
                if not _settled(expected[first], runs[first], run.start):
                    yield "order", f"{topic} {key}: {second} ({run.name}) before {first} was over"
        last: Run | None = None
        for run in (counted[e] for e in ran if e in counted):
            if last is not None and run.start < (last.end or 0.0):
                yield "order", f"{topic} {key}: {run.name} counted, and began before {last.name}"
            last = run


def keys_alone(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """No two runs of one agent and key at once, save beside a process that cannot know better."""
    lanes: dict[tuple[str, str], list[Run]] = defaultdict(list)
    expected = evidence.expected()
    for run in evidence.runs:
        event = expected.get(run.e)
        if event is None or event.key is None:
            continue
        lane = lanes[agent_of(event), event.key]
        lane[:] = [other for other in lane if not _over(other, run.start)]
        for other in lane:
            if other.pid == run.pid:
                yield "overlap", f"{event.key}: {run.name} beside {other.name} in one worker"
            elif not (
                faults.dead(other.pid, run.start)
                or faults.zombie(other.pid, run.start, 15.0)
                or faults.zombie(run.pid, run.start)
                or faults.brokerless(run.start)
            ):
                yield "overlap", f"{event.key}: {run.name} beside {other.name} of another worker"
        lane.append(run)


def bound_kept(evidence: Evidence) -> Iterator[Fault]:
    """Never more runs at once than the setting says, by agent and worker."""
    for (pid, agent), most in most_at_once(evidence).items():
        if most > evidence.plan.in_flight:
            yield "in_flight", f"{agent} ran {most} at once in {pid}"


def most_at_once(evidence: Evidence) -> dict[tuple[int, str], int]:
    """By process and agent, how many ran at once at most."""
    now: Counter[tuple[int, str]] = Counter()
    most: dict[tuple[int, str], int] = {}
    for line in evidence.lines:
        place = (line["pid"], line["agent"])
        now[place] += 1 if line["what"] == "start" else -1
        most[place] = max(most.get(place, 0), now[place])
    return most


def _settled(event: Expected, runs: list[Run], t: float) -> bool:
    """Whether an event's outcome was decided by then."""
    if event.fate == "crash":  # it never says that it ends
        return max(run.start for run in runs) < t
    return any(
        _over(run, t)
        and (run.how in {"end", "reject"} or (run.how == "fail" and run.attempt >= ATTEMPTS))
        for run in runs
    )


def _over(run: Run, t: float) -> bool:
    return run.end is not None and run.end <= t


def _since(run: Run, good: Run) -> str:
    return f"{run.start - (good.end or 0):.2f} s later"
