"""How much of everything a round has; the seed decides the rest."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.deeds import DEEDS

SESSION_S = 6.0
FAULT_KINDS = (
    "kill",
    "wipe",
    "term",
    "stop",
    "add",
    "remove",
    "broker_kill",
    "broker_freeze",
    "broker_restart",
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """A round's size; these are those of a short one."""

    events: int = 2500
    faults: int = 7
    poisons: int | None = None
    """None: the seed draws 0, 1 or 2."""
    kinds: tuple[str, ...] = FAULT_KINDS
    brokers: int = 1
    """With three, what befalls a broker befalls one of them."""
    keys: int = 120
    in_flight: tuple[int, ...] = (20, 40, 80)
    """One of these is the bound of a round."""
    slow: float = 0.08
    """Share of events that take seconds."""
    only: tuple[str, ...] = ()
    """Kinds of events, if not all of them."""
    deeds: tuple[str, ...] = tuple(DEEDS)
    """What agents do beside emitting receipts."""
    pauses_s: tuple[tuple[float, float], ...] = ((0.5, 4.0), (8.0, 14.0))
    """Between two faults: within a take-over, or long enough to be back at work."""
    frozen_s: tuple[float, float] = (SESSION_S + 3, SESSION_S + 20)
    """How long a worker stands still: a take-over, with its drain, may need more than the short."""
    busiest: float = 0.6
    """Share of faults that look for a busy worker."""
    within_s: float | None = None
    """All faults begin within so many seconds, closer together if need be."""
    redone: int = 1000
    """Runs that one fault may repeat although they had ended."""


SHORT = Size()
LONG = Size(
    events=100_000,
    faults=50,
    keys=600,
    in_flight=(40, 80, 160),
    slow=0.01,
    pauses_s=((0.5, 5.0), (0.5, 5.0), (8.0, 20.0), (8.0, 20.0), (45.0, 55.0)),
    within_s=750.0,
)
"""A quarter of an hour: what `make chaos` plays."""
