"""From the producer's `send` to the start of the handler, at a steady rate."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.contestants import FASTSTREAM, OURS, QUIX
from benchmarks.figures import Figure, listed, versions
from benchmarks.load import SteadyLoad

if TYPE_CHECKING:
    from benchmarks.contestants import Contestant
    from benchmarks.plan import Plan
    from benchmarks.run import Run
    from benchmarks.stage import Stage

RATES = (100, 1_000)
WARM_UP_S = 2.0
SECONDS = 8.0
_READY_S = 60.0
_SETTLE_S = 2.0


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Each contestant at each rate, by turns."""
    runs: dict[tuple[int, Contestant], list[Run]] = defaultdict(list)
    for rate in RATES:
        for contestant in plan.turns(plan.present(OURS, QUIX, FASTSTREAM), rounds=plan.long_rounds):
            run = _run(stage, contestant, rate)
            plan.say(f"latency: {contestant.name} at {rate}/s {_percentile(run, 50):.1f} ms")
            runs[rate, contestant].append(run)
    return [
        _figure(rate, who, found, percent)
        for (rate, who), found in runs.items()
        for percent in (50, 99)
    ]


def _run(stage: Stage, contestant: Contestant, rate: int) -> Run:
    name = stage.name()
    stage.fill(name, events=1, keys=1)  # the first event tells that the worker is there
    load = SteadyLoad(stage.broker.address, stage.topic(name), rate=rate)
    warm_up = round(WARM_UP_S * rate)
    events = 1 + warm_up + round(SECONDS * rate)
    with stage.worker(
        contestant, name, name=name, BENCH_EVENTS=str(events), BENCH_WORK="stamp"
    ) as process:
        process.wait_for(stage.began(name).exists, _READY_S)
        time.sleep(_SETTLE_S)
        asyncio.run(load.run(WARM_UP_S + SECONDS, first=-warm_up))
        process.wait_for(stage.result(name).exists, _READY_S)
    return stage.read(name, process)


def _percentile(run: Run, percent: int) -> float:
    late_s: list[float] = run.facts["late_s"]
    return 1000 * statistics.quantiles(late_s, n=100, method="inclusive")[percent - 1]


def _figure(rate: int, who: Contestant, runs: list[Run], percent: int) -> Figure:
    found = [_percentile(run, percent) for run in runs]
    most = max(1000 * max(run.facts["late_s"]) for run in runs)
    cpu_us = statistics.median(run.whole.cpu_us for run in runs)
    return Figure(
        scenario="latency",
        name=f"latency p{percent} at {rate:,}/s: {who.name}",
        value=statistics.median(found),
        rounds=tuple(found),
        unit="ms",
        detail=f"send to handler start, {round(SECONDS * rate):,} events after {WARM_UP_S:g} s of "
        f"warm-up; rounds {listed(found, 1)}; at most {most:.0f} ms; CPU "
        f"{cpu_us:.0f} us an event ({versions(runs)})",
    )
