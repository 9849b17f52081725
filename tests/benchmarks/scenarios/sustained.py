"""A million events without a pause: the rate, the memory, and whether an event costs more later."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.contestants import OURS, QUIX
from benchmarks.figures import MIB, Figure, footprint, listed, versions

if TYPE_CHECKING:
    from benchmarks.contestants import Contestant
    from benchmarks.plan import Plan
    from benchmarks.run import Run
    from benchmarks.stage import Stage

DATASET = "sustained"
EVENTS = 1_000_000
MANY_EVENTS = 5_000_000
WARM_UP = EVENTS // 10
FEW_IDS = 1_000
WINDOW = 50_000
"""Events between two looks at the CPU clock."""


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Ours against Quix by turns; the CPU time for an event early and late in a run."""
    runs: dict[Contestant, list[Run]] = defaultdict(list)
    for contestant in plan.turns(plan.present(OURS, QUIX), rounds=plan.long_rounds):
        run = veteran(stage, plan) if contestant is OURS else _run(stage, plan, contestant)
        runs[contestant].append(run)
    figures = [_rate(who, found) for who, found in runs.items()]
    if QUIX in runs:
        figures.append(_ratio(runs))
    figures += _growth(runs[OURS], EVENTS)
    if plan.long:
        figures += _growth([_run(stage, plan, OURS, MANY_EVENTS)], MANY_EVENTS)
    return figures


def veteran(stage: Stage, plan: Plan) -> Run:
    """Let ours handle a million events. The last one that did is left for those who restart it."""
    stage.veteran = _run(stage, plan, OURS)
    return stage.veteran


def _run(stage: Stage, plan: Plan, contestant: Contestant, events: int = EVENTS) -> Run:
    dataset = DATASET if events == EVENTS else f"{DATASET}-{events}"
    stage.fill(dataset, events=events, keys=events)
    marks = (FEW_IDS, FEW_IDS + WINDOW, WARM_UP, events - WINDOW)
    run = stage.run(contestant, dataset, events=events, marks=marks)
    rate = run.window(WARM_UP, events).rate
    plan.say(f"sustained: {contestant.name} {rate:,.0f} events/s, {run.rss_bytes / MIB:.0f} MiB")
    return run


def _rates(runs: list[Run]) -> list[float]:
    return [run.window(WARM_UP, EVENTS).rate for run in runs]


def _rate(who: Contestant, runs: list[Run]) -> Figure:
    rates = _rates(runs)
    cpu_us = statistics.median(run.window(WARM_UP, EVENTS).cpu_us for run in runs)
    return Figure(
        scenario="sustained",
        name=f"sustained: {who.name}",
        value=statistics.median(rates),
        rounds=tuple(rates),
        unit="events/s",
        detail=f"{EVENTS:,} unique ids, without the first {WARM_UP:,}; rounds {listed(rates)}; "
        f"CPU {cpu_us:.0f} us an event, {footprint(runs)}; {who.promise} ({versions(runs)})",
    )


def _ratio(runs: dict[Contestant, list[Run]]) -> Figure:
    ours, quix = (statistics.median(_rates(runs[who])) for who in (OURS, QUIX))
    return Figure(
        scenario="sustained",
        name=f"sustained: ours / {QUIX.name}",
        value=ours / quix,
        unit="x",
        target=">= 1.3",
        detail="ratio of the medians",
    )


def _growth(runs: list[Run], events: int) -> list[Figure]:
    few = [run.window(FEW_IDS, FEW_IDS + WINDOW).cpu_us for run in runs]
    many = [run.window(events - WINDOW, events).cpu_us for run in runs]
    return [
        Figure(
            scenario="sustained",
            name=f"CPU for an event with {_short(events)} ids against 1 k",
            value=statistics.median(many) / statistics.median(few),
            rounds=tuple(many[i] / few[i] for i in range(len(runs))),
            unit="x",
            target="<= 1.3",
            detail=f"CPU time of the worker, all threads, in windows of {WINDOW:,} events: from "
            f"{FEW_IDS:,} ids on {listed(few, 1)} us, up to {events:,} ids {listed(many, 1)} us",
        )
    ]


def _short(events: int) -> str:
    return f"{events // EVENTS} M"
