"""Handlers that wait half a second, thousands at once: whose time is it, theirs or ours?"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import FASTSTREAM, OURS
from benchmarks.figures import Figure, footprint, listed, versions

if TYPE_CHECKING:
    from benchmarks.contestants import Contestant
    from benchmarks.plan import Plan
    from benchmarks.run import Run
    from benchmarks.stage import Stage

SLEEP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many handlers at once."""

    in_flight: int
    events: int
    keys: int
    target: str = ""
    """Without one, a single round will do unless there is time."""
    contestants: tuple[Contestant, ...] = (OURS,)

    @property
    def ideal_s(self) -> float:
        """If nothing but the handlers took time."""
        return self.events * SLEEP_S / self.in_flight


CROWDS = (
    Crowd(
        in_flight=1_000,
        events=20_000,
        keys=5_000,
        target=">= 98",
        contestants=(OURS, FASTSTREAM),
    ),
    Crowd(in_flight=5_000, events=200_000, keys=50_000, target=">= 90"),
    Crowd(in_flight=10_000, events=200_000, keys=50_000),
)


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """The share of the ideal time, and the most at once as the handlers counted it."""
    return [figure for crowd in CROWDS for figure in _crowd(stage, plan, crowd)]


def _crowd(stage: Stage, plan: Plan, crowd: Crowd) -> list[Figure]:
    dataset = f"slow-{crowd.events}"
    stage.fill(dataset, events=crowd.events, keys=crowd.keys)
    runs: dict[Contestant, list[Run]] = defaultdict(list)
    rounds = plan.rounds if crowd.target else plan.long_rounds
    for contestant in plan.turns(plan.present(*crowd.contestants), rounds=rounds):
        run = stage.run(
            contestant,
            dataset,
            events=crowd.events,
            BENCH_WORK="sleep",
            BENCH_SLEEP_S=str(SLEEP_S),
            STREAMAGENTS_IN_FLIGHT=str(crowd.in_flight),
        )
        plan.say(
            f"slow: {contestant.name} {crowd.in_flight:,} in flight {_share(crowd, run):.1f} %"
        )
        runs[contestant].append(run)
    return [_figure(crowd, who, found) for who, found in runs.items()]


def _share(crowd: Crowd, run: Run) -> float:
    return 100 * crowd.ideal_s / run.whole.seconds


def _figure(crowd: Crowd, who: Contestant, runs: list[Run]) -> Figure:
    shares = [_share(crowd, run) for run in runs]
    most = max(run.facts["most"] for run in runs)
    cpu_s = statistics.median(run.whole.cpu_s for run in runs)
    return Figure(
        scenario="slow",
        name=f"slow, {crowd.in_flight:,} in flight: {who.name}",
        value=statistics.median(shares),
        rounds=tuple(shares),
        unit="%",
        target=crowd.target if who is OURS else "",
        detail=f"of the ideal time; {crowd.events:,} events, {crowd.keys:,} keys, {SLEEP_S} s "
        f"each: {listed([run.whole.seconds for run in runs], 2)} s of {crowd.ideal_s:.1f}; most at "
        f"once {most:,}; out of order in their key {sum(run.facts['disorder'] for run in runs):,}; "
        f"CPU {cpu_s:.1f} s, {footprint(runs)}; {who.promise} ({versions(runs)})",
    )
