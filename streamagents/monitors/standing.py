"""Standing: how a monitor is getting on, and when it looks again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from streamagents.monitors.visit import Validators
from streamagents.monitors.web import MAX_WAIT_S

if TYPE_CHECKING:
    from streamagents.monitors.monitor import Policy

MAX_STUMBLES = 3
"""So often it is tried to make an event of one item."""
MAX_REASON = 1000
"""Characters of why a look failed."""
_BACK_OFF_S = 3600.0
"""A monitor that fails looks again after so long, or its own interval, at the latest."""
_MOST_DOUBLINGS = 20
_TICK_S = 5.0
"""A tick is written and read within so long: with a shorter interval, none would be the latest."""


class Stumble(BaseModel):
    """An item of which no event could be made."""

    item: str
    url: str = ""
    times: int = 1
    reason: str = ""


class Standing(BaseModel):
    """What a monitor remembers of its looks, beside what it has seen."""

    begun_at: datetime | None = None
    """When its first listing was read."""
    slot: datetime | None = None
    """Of the last tick that it did not skip."""
    last_ok: datetime | None = None
    failures: int = 0
    """In a row."""
    reason: str = ""
    """Of the last of them."""
    failing_since: datetime | None = None
    told: bool = False
    """Whether somebody knows of it."""
    not_before: datetime | None = None
    """Failures and hosts that ask for it make it wait."""
    validators: dict[str, Validators] = {}
    stumbles: dict[str, Stumble] = {}
    """By the mark of the item."""


def why_skip(
    slot: datetime, latest: datetime, now: datetime, standing: Standing, every_s: float
) -> str:
    """Why a tick is let pass; empty to look.

    Args:
        slot: the tick's.
        latest: the latest slot now: if it is another, its tick is on the way.
        now: the moment.
        standing: the monitor's.
        every_s: its interval.
    """
    seen = standing.slot
    # A slot in the future was seen by a clock that has been set back since.
    if seen is not None and (slot == seen or slot < seen <= now):
        return "it was looked at"
    if (latest - slot).total_seconds() > max(0.0, _TICK_S - every_s):
        return "a later tick is due"
    longest = timedelta(seconds=max(every_s, _BACK_OFF_S, MAX_WAIT_S))
    if standing.not_before is not None and now < standing.not_before <= now + longest:
        return f"not before {standing.not_before:%Y-%m-%d %H:%M:%S}"
    return ""


def after_success(standing: Standing, slot: datetime, now: datetime) -> Standing:
    """After a look that saw something, be it that nothing has changed."""
    return standing.model_copy(
        update={
            "begun_at": standing.begun_at or now,
            "slot": slot,
            "last_ok": now,
            "failures": 0,
            "reason": "",
            "failing_since": None,
            "told": False,
            "not_before": None,
        }
    )


def after_failure(
    standing: Standing,
    slot: datetime,
    now: datetime,
    policy: Policy,
    *,
    reason: str = "",
    wait_s: float = 0.0,
) -> Standing:
    """After a look that saw nothing; a host may have asked for a wait."""
    failures = standing.failures + 1
    # Half an interval early, or the slot at that very moment would just miss it.
    own_s = back_off_s(failures, policy.every_s) - policy.every_s / 2
    return standing.model_copy(
        update={
            "slot": slot,
            "failures": failures,
            "reason": reason[:MAX_REASON],
            "failing_since": standing.failing_since or now,
            "told": standing.told or failures >= policy.fails,
            "not_before": now + timedelta(seconds=max(wait_s, own_s)),
        }
    )


def back_off_s(failures: int, every_s: float) -> float:
    """Seconds until the next look after so many failures in a row."""
    doubled = every_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    return min(doubled, max(every_s, _BACK_OFF_S))
