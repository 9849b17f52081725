"""Deeds: what an event's agent does beside emitting its receipts, drawn event by event."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chaos.shapes import CHANNELS, Act, Draft

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

FOLLOWING = 0.3
"""Share of the orders that another event follows from at once."""
PARKED_S = (31.0, 34.0)
"""Longer than a lane is held for, and hardly longer than that."""


def draw_deeds(
    rng: random.Random, draft: Draft, allowed: Collection[str], *, eager: int, parked: bool
) -> None:
    """Draw what an event's agent does.

    Args:
        rng: the round's.
        draft: the event.
        allowed: names of `DEEDS`.
        eager: how much likelier than usual.
        parked: it may ask for a long wait.
    """
    if draft.topic == "order" and draft.data["mode"] == "ok" and rng.random() < FOLLOWING:
        draft.data["follow"] = True
    for name, (odds, draw) in DEEDS.items():
        lucky = rng.random() < odds * eager  # drawn in any case: the rest stays as it would be
        if lucky and name in allowed and (name != "parks" or parked):
            draw(rng, draft)


def _steps(rng: random.Random, draft: Draft) -> None:
    if draft.topic != "parcel":  # a plain function takes no steps: they are awaited
        draft.data["steps"] = True


def _counts(rng: random.Random, draft: Draft) -> None:
    draft.data["count"] = True


def _delays(rng: random.Random, draft: Draft) -> None:
    if draft.topic == "order":
        short = rng.random() < 0.5
        draft.data["later"] = round(rng.uniform(0.5, 3) if short else rng.uniform(3, 15), 3)


def _waits(rng: random.Random, draft: Draft) -> None:
    draft.data["wait"] = round(rng.uniform(0.3, 3.0), 3)


def _parks(rng: random.Random, draft: Draft) -> None:
    draft.data["wait"] = round(rng.uniform(*PARKED_S), 3)


def _acts(rng: random.Random, draft: Draft) -> None:
    names = rng.sample(("", "", "first", "second"), rng.choice((1, 1, 2)))
    draft.data["acts"] = [asdict(_act(rng, name)) for name in names]


def _act(rng: random.Random, name: str) -> Act:
    mode = rng.choices(("ok", "once", "fail", "hang", "lost"), weights=(80, 8, 4, 4, 4))[0]
    seconds = round(rng.uniform(0.0, 0.3), 3)
    return Act(channel=rng.choice(CHANNELS), name=name, mode=mode, s=seconds)


DEEDS: dict[str, tuple[float, Callable[[random.Random, Draft], Any]]] = {
    "steps": (0.08, _steps),
    "counts": (0.25, _counts),
    "delays": (0.12, _delays),
    "waits": (0.02, _waits),
    "parks": (0.004, _parks),
    "acts": (0.08, _acts),
}
"""By name, how likely it is and what it adds."""
