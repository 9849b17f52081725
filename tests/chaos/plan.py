"""The plan: everything that is sent and every fault, a pure function of the seed.

Imports nothing of the package, for the checker reads it, too.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chaos.shapes import EVENT_MAKERS, Expected, Sent, second_copy

FAULT_KINDS = ("kill", "wipe", "term", "stop", "add", "remove", "broker_kill", "broker_freeze")
_ODDS = {"kill": 5, "wipe": 2, "term": 4, "stop": 4, "add": 2, "remove": 2}
_BROKER_ODDS = {"broker_kill": 2, "broker_freeze": 1}
SESSION_S = 6.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything; the seed decides the rest."""

    events: int = 2500
    faults: int = 7
    poisons: int | None = None
    """None: the seed draws 0, 1 or 2."""
    kinds: tuple[str, ...] = FAULT_KINDS
    slow: float = 0.08
    """Share of events that take seconds."""
    only: tuple[str, ...] = ()
    """Kinds of events, if not all of them."""
    pauses_s: tuple[tuple[float, float], ...] = ((0.5, 4.0), (8.0, 14.0))
    """Between two faults: within a take-over, or long enough to be back at work."""
    frozen_s: tuple[float, float] = (SESSION_S + 3, SESSION_S + 20)
    """How long a worker stands still: a take-over, with its drain, may need more than the short."""
    busiest: float = 0.6
    """Share of faults that look for a busy worker."""
    within_s: float | None = None
    """All faults begin within so many seconds, closer together if need be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned misfortune."""

    at: float
    """Seconds after the first agent started."""
    kind: str
    target: int
    """Which worker, modulo those that can be hit then."""
    seconds: float
    """How long a freeze or a broker's absence lasts."""
    busiest: bool
    """It waits for a worker with agents at work and hits that one; `target` does not count."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """A round."""

    seed: int
    size: Size
    workers: int
    in_flight: int
    backlog: bool
    """Half of it is there before the first worker starts."""
    sent: list[Sent] = field(default_factory=list)
    events: list[Expected] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def span_s(self) -> float:
        """How long the sender takes."""
        return max((sent.at for sent in self.sent), default=0.0)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """Read what `as_dict` wrote."""
        size: dict[str, Any] = {name: _frozen(value) for name, value in data["size"].items()}
        return cls(
            seed=data["seed"],
            size=Size(**size),
            workers=data["workers"],
            in_flight=data["in_flight"],
            backlog=data["backlog"],
            sent=[
                Sent(**{**row, "headers": tuple((a, b) for a, b in row["headers"])})
                for row in data["sent"]
            ],
            events=[Expected(**row) for row in data["events"]],
            faults=[Fault(**row) for row in data["faults"]],
        )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def make_plan(seed: int, size: Size) -> Plan:
    """Draw a round. The same seed and size give the same plan."""
    rng = random.Random(seed)
    plan = Plan(
        seed=seed,
        size=size,
        workers=rng.choice((2, 2, 3)),
        in_flight=rng.choice((20, 40, 80)),
        backlog=rng.random() < 0.35,
    )
    plan.faults = _faults(rng, size)
    span_s = 0.9 * max((fault.at for fault in plan.faults), default=20.0)
    _events(rng, plan, span_s)
    return plan


def _faults(rng: random.Random, size: Size) -> list[Fault]:
    odds = {k: n for k, n in {**_ODDS, **_BROKER_ODDS}.items() if k in size.kinds}
    faults: list[Fault] = []
    at = rng.uniform(*rng.choice(size.pauses_s))
    for _ in range(size.faults):
        kind = rng.choices(list(odds), weights=list(odds.values()))[0]
        if kind in _BROKER_ODDS:  # one a round: each costs half a minute
            odds = {k: n for k, n in odds.items() if k not in _BROKER_ODDS} or odds
        seconds = {
            "stop": rng.uniform(*size.frozen_s),
            "broker_kill": rng.uniform(0.5, 5.0),
            "broker_freeze": rng.uniform(10.0, 20.0),
        }.get(kind, 0.0)
        faults.append(
            Fault(
                at=at,
                kind=kind,
                target=rng.randrange(1000),
                seconds=seconds,
                busiest=rng.random() < size.busiest,
            )
        )
        at += rng.uniform(*rng.choice(size.pauses_s))
        if kind in _BROKER_ODDS:
            at += seconds  # what hits workers meanwhile would show nothing
    squeezed = min(1.0, (size.within_s or at) / max(at, 1.0))
    return [replace(fault, at=fault.at * squeezed) for fault in faults]


def _events(rng: random.Random, plan: Plan, span_s: float) -> None:
    size = plan.size
    poisons = rng.choice((0, 0, 1, 1, 1, 2)) if size.poisons is None else size.poisons
    names = list(size.only or EVENT_MAKERS)
    weights = [EVENT_MAKERS[name].weight for name in names]
    drawn = rng.choices(names, weights=weights, k=size.events)
    for e in sorted(rng.sample(range(size.events // 10, size.events // 2), poisons)):
        drawn[e] = "poison"
    batch: int | None = None
    left, aborted = 0, False
    rows: list[Sent] = []
    for e, name in enumerate(drawn):
        if left == 0:
            batch, aborted = None, False
            if rng.random() < 0.03:  # a transactional producer sends the next few
                batch, left, aborted = e, rng.randrange(2, 8), rng.random() < 0.4
        else:
            left -= 1
        at = 0.0 if plan.backlog and e < size.events / 2 else span_s * e / size.events
        value = EVENT_MAKERS[name].make(rng, e, slow=size.slow)
        named = value.named
        sent = value.sent(n=len(rows), at=at, batch=batch if named else None)
        rows.append(sent)
        ghost = aborted and sent.batch is not None
        if ghost:
            rows[-1] = second_copy(sent, n=sent.n, at=at, batch=sent.batch, aborted=True)
        plan.events.append(value.expected(ghost=ghost))
        if named and not ghost and rng.random() < 0.06:
            later = at + rng.choice((0.0, 0.0, rng.uniform(1, 8), span_s))
            rows.append(second_copy(sent, n=len(rows), at=min(later, span_s), batch=None))
    plan.sent = sorted(rows, key=lambda row: (row.at, row.n))
