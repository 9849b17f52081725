"""Handlers that do nothing: what deduplication and everything around a handler costs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import BARE_FAUST, FASTSTREAM, OURS, PLAIN, QUIX
from benchmarks.figures import Figure, footprint, listed, versions

if TYPE_CHECKING:
    from benchmarks.contestants import Contestant
    from benchmarks.plan import Plan
    from benchmarks.run import Run, Window
    from benchmarks.stage import Stage

EVENTS = 100_000
FEWER_EVENTS = 10_000
"""For bare Faust: at its rate the others' number would take a minute a round."""
FEW_KEYS = 5_000
WARM_UP = 10
"""The first tenth of a run is told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A dataset, and who handles it by turns."""

    title: str
    dataset: str
    keys: int
    contestants: tuple[Contestant, ...]


UNIQUE = Contest(
    title="no-op",
    dataset="noop",
    keys=EVENTS,
    contestants=(OURS, QUIX, FASTSTREAM, PLAIN, BARE_FAUST),
)
KEYED = Contest(
    title=f"no-op, {FEW_KEYS:,} keys", dataset="keyed", keys=FEW_KEYS, contestants=(OURS, QUIX)
)


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Everybody on ids and keys that are unique; then ours and Quix with keys that come again."""
    return [
        figure
        for contest in (UNIQUE, KEYED)
        for figure in _figures(contest, _rounds(stage, plan, contest))
    ]


def _rounds(stage: Stage, plan: Plan, contest: Contest) -> dict[Contestant, list[Run]]:
    stage.fill(contest.dataset, events=EVENTS, keys=contest.keys)
    runs: dict[Contestant, list[Run]] = defaultdict(list)
    for contestant in plan.turns(plan.present(*contest.contestants)):
        events = FEWER_EVENTS if contestant is BARE_FAUST else EVENTS
        run = stage.run(contestant, contest.dataset, events=events, marks=[events // WARM_UP])
        plan.say(f"{contest.title}: {contestant.name} {_warm_rate(run):,.0f} events/s")
        runs[contestant].append(run)
    return runs


def _figures(contest: Contest, runs: dict[Contestant, list[Run]]) -> list[Figure]:
    rates = {who: [_warm_rate(run) for run in found] for who, found in runs.items()}
    figures = [
        Figure(
            scenario="noop",
            name=f"{contest.title}: {who.name}",
            value=statistics.median(rates[who]),
            rounds=tuple(rates[who]),
            unit="events/s",
            detail=f"{_detail(found)}; {who.promise} ({versions(found)})",
        )
        for who, found in runs.items()
    ]
    return figures + [
        _ratio(contest, runs, peer, target)
        for peer, target in ((QUIX, ">= 1.3"), (BARE_FAUST, ">= 10"))
        if peer in runs
    ]


def _ratio(
    contest: Contest, runs: dict[Contestant, list[Run]], peer: Contestant, target: str
) -> Figure:
    ours, theirs = ([_warm_rate(run) for run in runs[who]] for who in (OURS, peer))
    pairs = [mine / yours for mine, yours in zip(ours, theirs, strict=True)]
    detail = (
        f"ratio of the medians; by round {listed(pairs, 2)}; CPU for an event, which other work on "
        f"the machine disturbs less: {_cpu_us(runs[OURS]):.0f} to {_cpu_us(runs[peer]):.0f} us"
    )
    if durable := _durable_rates(runs[peer]):
        ratio = statistics.median(run.whole.rate for run in runs[OURS]) / statistics.median(durable)
        detail += f"; both until all marks are durable, first tenth included: {ratio:.2f}"
    return Figure(
        scenario="noop",
        name=f"{contest.title}: ours / {peer.name}",
        value=statistics.median(ours) / statistics.median(theirs),
        rounds=tuple(pairs),
        unit="x",
        target=target,
        detail=detail,
    )


def _warm(run: Run) -> Window:
    events = run.whole.events
    return run.window(events // WARM_UP, events)


def _warm_rate(run: Run) -> float:
    return _warm(run).rate


def _cpu_us(runs: list[Run]) -> float:
    return statistics.median(_warm(run).cpu_us for run in runs)


def _durable_rates(runs: list[Run]) -> list[float]:
    """Of one who writes marks at checkpoints: until its last one, which its stop writes."""
    return [
        run.whole.events / (run.facts["stopped"] - run.samples[0].clock)
        for run in runs
        if "stopped" in run.facts
    ]


def _detail(runs: list[Run]) -> str:
    """What the rate leaves out."""
    events = runs[0].whole.events
    cold = [run.window(0, events // WARM_UP).rate for run in runs]
    detail = (
        f"{events:,} unique ids, without the first tenth; rounds "
        f"{listed([_warm_rate(run) for run in runs])}; first tenth {listed(cold)}; CPU "
        f"{_cpu_us(runs):.0f} us an event, {footprint(runs)}"
    )
    if durable := _durable_rates(runs):
        detail += f"; all events until its last checkpoint and stop {listed(durable)}"
    return detail
