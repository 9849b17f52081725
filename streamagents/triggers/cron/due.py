"""Due: which slots of a schedule are to be fired, and which were missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from datetime import datetime

CatchUp = Literal["skip", "last", "all"]
"""What becomes of slots that were missed: nothing; the last is fired, unless a later one is due;
all are, the newest of them."""

_SECOND = timedelta(seconds=1)


class Slots(Protocol):
    """What has slots."""

    def latest(self, moment: datetime) -> datetime | None:
        """The last at or before a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Slots by what is to become of them, the oldest first."""

    missed: tuple[datetime, ...]
    """To be fired although it is late."""
    on_time: tuple[datetime, ...]
    """To be fired."""
    left_out: datetime | None
    """The newest of those that are not fired; those before it down to the last are not, either."""


def due(
    slots: Slots,
    *,
    last: datetime,
    slot: datetime,
    now: datetime,
    catch_up: CatchUp,
    cap: int,
    grace_s: float,
) -> Due:
    """Decide what is to be fired at a tick.

    Args:
        slots: of the schedule.
        last: the last slot that was decided about.
        slot: the tick's.
        now: the moment; the tick may have waited.
        catch_up: the policy for missed slots.
        cap: so many missed slots at most, the newest.
        grace_s: a slot that comes so late is not missed.
    """
    on_time: list[datetime] = []
    missed: list[datetime] = []
    left_out: datetime | None = None
    at: datetime | None = slot
    while at is not None and at > last:
        if (now - at).total_seconds() <= grace_s:
            on_time.append(at)
        elif len(missed) < _most(catch_up, cap, on_time=bool(on_time)):
            missed.append(at)
        else:
            left_out = at
            break
        at = slots.latest(at - _SECOND)
    return Due(missed=tuple(missed[::-1]), on_time=tuple(on_time[::-1]), left_out=left_out)


def _most(catch_up: CatchUp, cap: int, *, on_time: bool) -> int:
    if catch_up == "all":
        return cap
    return 1 if catch_up == "last" and not on_time else 0
