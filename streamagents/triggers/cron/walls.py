"""Walls: from what a clock on a wall shows to the moments when it shows it.

Where clocks are set, a wall's time comes twice, or not at all.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def moments(wall: datetime, zone: ZoneInfo, *, fixed: bool) -> list[datetime]:
    """When the clocks of a zone show a time, in UTC.

    Args:
        wall: what they show, without a zone.
        zone: where they hang.
        fixed: the time of a job that runs at fixed times: once, also where the clocks show it
            twice (then the first counts) or leave it out (then the moment after). Else it is one
            of an interval: as often as the clocks show it.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return [first]
    if first < second:  # the clocks were set back
        return [first] if fixed else [first, second]
    return [_change(second, first, zone)] if fixed else []


def offsets(moment: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """The least and the greatest distance from UTC within a day of a moment."""
    near = [_offset(moment + days, zone) for days in (-_DAY, timedelta(), _DAY)]
    return min(near), max(near)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after clocks were set forward, which happened between these two."""
    old = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle <= before:
            break
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 - every zone has one
    return offset
