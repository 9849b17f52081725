"""Rules about runs: what ran again, how attempts were counted, how many ran at once.

A run *counted* if a `read_committed` reader sees what it emitted. That is exact: whoever takes a
partition over fences the last owner first, so that from then on each of its runs either counts or
never will. Hence no window of time is needed to say that an event that counted must not run again;
only a process that stood still may do so, until it hears what it has lost.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.shapes import ENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog, Gap, Place
    from chaos.telling import Run

Fault = tuple[str, str]
"""The name of the rule that was broken, and by what."""
GIVEN_BACK = "StateError('The state of a partition that was given back is read.')"
_FAILING = frozenset({"fail", "once"})


def ran_again(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """Nothing that counted runs again, and what ended and did not count has a fault to blame."""
    for e, good in evidence.committed_runs.items():
        for run in evidence.runs_of[e]:
            late = good.end is not None and run.start > good.end
            if late and not faults.zombie(run.pid, run.start):
                yield "ran_again", f"event {e}: {run.name} after {good.name} {_since(run, good)}"
            elif run is not good and not late and _unexplained(run, faults, evidence.place(e)):
                yield "redone", f"event {e}: {run.name} ended, did not count, no fault near"


def _unexplained(run: Run, faults: FaultLog, place: Place | None) -> bool:
    ended = run.how == "end" and run.end is not None
    return ended and faults.gap(run.pid, run.end or 0.0, place) is None


def redone_bounded(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """What one fault repeats although it had ended is bounded."""
    for fault, count in Counter(gap.fault for gap in redone(evidence, faults)).items():
        if count > evidence.plan.size.redone:
            kind = evidence.faults[fault]["kind"]
            yield "redone_many", f"{kind}, fault {fault}: {count} ended runs did not count"


def redone(evidence: Evidence, faults: FaultLog) -> list[Gap]:
    """Of each run that ended and did not count, the fault to blame."""
    counted = {run.name for run in evidence.committed_runs.values()}
    return [
        gap
        for run in evidence.runs
        if run.how == "end" and run.end is not None and run.name not in counted
        if (gap := faults.gap(run.pid, run.end, evidence.place(run.e))) is not None
    ]


def zombies(evidence: Evidence, faults: FaultLog) -> tuple[int, float]:
    """Runs that awoken processes began of events that had counted elsewhere meanwhile; and how
    long after they awoke at most.
    """
    found = [
        faults.since_thaw(run.pid, run.start)
        for e, good in evidence.committed_runs.items()
        for run in evidence.runs_of[e]
        if run.start > (good.end or run.start) and faults.zombie(run.pid, run.start)
    ]
    return len(found), max(found, default=0.0)


def as_asked(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """No run fails that was not asked to.

    Save in a process that has just awoken, where nothing counts: a thread cannot be cancelled, and
    an agent in one may read the state of a partition that is not its own any more.
    """
    for run in evidence.runs:
        event = evidence.expected.get(run.e)
        if run.how == "odd":
            said = next(line for line in evidence.lines if _ends(line, run)).get("error")
            if not (said == GIVEN_BACK and faults.zombie(run.pid, run.end or run.start)):
                yield "odd", f"event {run.e}: {run.name} raised {said}"
        elif run.how == "fail" and event is not None and event.mode not in _FAILING:
            yield "odd", f"event {run.e}: {run.name} failed, and nobody asked it to"


def _ends(line: dict[str, object], run: Run) -> bool:
    return line["run"] == run.name and line["what"] == "odd"


def attempts_kept(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """A failure is not forgotten, unless its process was hit before it could be written."""
    for e, runs in evidence.runs_of.items():
        for index, run in enumerate(runs):
            if faults.zombie(run.pid, run.start):
                continue
            before = [r for r in runs[:index] if over(r, run.start)]
            if run.attempt > 1 and not any(_failed(r, run.attempt - 1) for r in before):
                yield "attempts", f"event {e}: {run.name} is attempt {run.attempt} out of nothing"
            for failure in before:
                gap = faults.gap(failure.pid, failure.end or 0.0, evidence.place(e))
                if _forgotten(failure, run) and not gap:
                    what = f"{failure.name}, attempt {failure.attempt}, ended as {failure.how}"
                    yield "attempts", f"event {e}: {run.name} is attempt {run.attempt}; {what}"


def _failed(run: Run, attempt: int) -> bool:
    return run.how == "fail" and run.attempt == attempt


def _forgotten(failure: Run, run: Run) -> bool:
    """Whether a run begins as if that failure had not been. Nothing follows a rejection."""
    return failure.how == "reject" or (failure.how == "fail" and failure.attempt >= run.attempt)


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
        if line["what"] == "start":
            now[place] += 1
            most[place] = max(most.get(place, 0), now[place])
        elif line["what"] in ENDS:
            now[place] -= 1
    return most


def over(run: Run, t: float) -> bool:
    """Whether a run had ended by then."""
    return run.end is not None and run.end <= t


def _since(run: Run, good: Run) -> str:
    return f"{run.start - (good.end or 0):.2f} s later"
