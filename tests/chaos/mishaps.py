"""Mishaps: what befalls workers and brokers in a round, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from chaos.size import Size

_ODDS = {"kill": 5, "wipe": 2, "term": 4, "stop": 4, "add": 2, "remove": 2}
_BROKER_ODDS = {"broker_kill": 3, "broker_freeze": 2, "broker_restart": 1}
_FAULTS_A_BROKER = 10
"""One in so many befalls a broker: each costs half a minute of the round."""
_FAULTS_A_NODE = 4
"""Of three brokers one may be away without much ado."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned misfortune."""

    at: float
    """Seconds after the first agent started."""
    kind: str
    target: int
    """Which worker, or broker, modulo those that can be hit then."""
    seconds: float
    """How long a freeze or a broker's absence lasts."""
    busiest: bool
    """It waits for a worker with agents at work and hits that one; `target` does not count."""


def draw_faults(rng: random.Random, size: Size) -> list[Fault]:
    """Draw a round's faults, in the order of their time."""
    workers, brokers = _of(_ODDS, size), _of(_BROKER_ODDS, size)
    left = max(1, size.faults // (_FAULTS_A_BROKER if size.brokers == 1 else _FAULTS_A_NODE))
    faults: list[Fault] = []
    at = rng.uniform(*rng.choice(size.pauses_s))
    for _ in range(size.faults):
        odds = {**workers, **brokers} if left or not workers else workers
        kind = rng.choices(list(odds), weights=list(odds.values()))[0]
        fault = Fault(
            at=at,
            kind=kind,
            target=rng.randrange(1000),
            seconds=_seconds(rng, kind, size),
            busiest=rng.random() < size.busiest,
        )
        faults.append(fault)
        at += rng.uniform(*rng.choice(size.pauses_s))
        if kind in _BROKER_ODDS:
            left -= 1
            if size.brokers == 1:
                at += fault.seconds  # what hits workers meanwhile would show nothing
    squeezed = min(1.0, (size.within_s or at) / max(at, 1.0))
    return [replace(fault, at=fault.at * squeezed) for fault in faults]


def _of(odds: dict[str, int], size: Size) -> dict[str, int]:
    return {kind: weight for kind, weight in odds.items() if kind in size.kinds}


def _seconds(rng: random.Random, kind: str, size: Size) -> float:
    if kind == "stop":
        return rng.uniform(*size.frozen_s)
    if kind == "broker_freeze":
        return rng.uniform(10.0, 20.0)
    if kind in _BROKER_ODDS:
        return rng.uniform(0.5, 5.0) if size.brokers == 1 else rng.uniform(3.0, 20.0)
    return 0.0
