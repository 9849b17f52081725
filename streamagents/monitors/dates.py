"""Dates: the moments that feeds, listings and HTTP write, in the ways in which they write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate
from typing import Any

_MAX_CHARS = 80
_NOON = 12
_ISO = re.compile(
    r"(\d{4})(?:([-/])(\d{1,2})(?:\2(\d{1,2}))?|(\d\d)(\d\d))?"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{2})(?::(\d{1,2}))?)?"
)
_AT_THE_END = re.compile(
    r"(?P<rest>[^:]*\d:\d{1,2}(?::\d{1,2})?(?:[.,]\d{1,12})?)(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"\s*(?P<name>[A-Za-z]{1,5}\b)?(?P<year>\s+\d{4})?"
    r"\s*(?:(?P<sign>[-+\u2212])(?P<hours>\d{1,2}):?(?P<minutes>\d{1,2})?)?"
)
"""A date with a time, and what stands behind the time."""
_REMARK = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])$")
_PARTS_OF_SECONDS = re.compile(r"(?<=:\d\d)[.,]\d{1,12}$")
_NO_YEAR = re.compile(r"^0000|\s-\d{4}\s")
"""As PHP writes a date that it does not have."""
_LONG_SEPTEMBER = re.compile(r"\bSept\b", re.IGNORECASE)
_HOURS_EAST = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "BST": 1, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip
"""Others are taken for UTC."""


def moment(text: Any) -> datetime | None:
    """A date in UTC; None if it is none. Where it names no zone, UTC is meant."""
    if not isinstance(text, str):
        return None
    text = _REMARK.sub("", text.strip())
    if not text or len(text) > _MAX_CHARS or _NO_YEAR.search(text):
        return None
    found = _AT_THE_END.fullmatch(text)
    try:
        if found is None:
            return _wall(text).replace(tzinfo=UTC)
        wall = _wall(found["rest"] + (found["year"] or ""))
        return _in_the_half(wall, found["half"]).replace(tzinfo=_zone(found)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):  # also the year 1 somewhere east
        return None


def from_epoch(seconds: Any) -> datetime | None:
    """Seconds since 1970 in UTC; None if they are none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _wall(text: str) -> datetime:
    """A date and time as a wall's clock shows it.

    Raises:
        ValueError: it is none.
        TypeError: likewise.
    """
    text = _PARTS_OF_SECONDS.sub("", text)
    if found := _ISO.fullmatch(text):
        year, _, month, day, month_, day_, *time = found.groups("")
        date = datetime(int(year), int(month or month_ or 1), int(day or day_ or 1))  # noqa: DTZ001 - a wall's time
        hours, minutes, seconds = (int(part or 0) for part in time)
    else:
        text = _LONG_SEPTEMBER.sub("Sep", text)
        read: Any = parsedate(text) or parsedate(f"{text} 00:00")
        date = datetime(*read[:3])  # noqa: DTZ001 - likewise
        hours, minutes, seconds = read[3:6]
    if hours > 24 or minutes > 59 or seconds > 60:  # noqa: PLR2004 - a clock's
        raise ValueError(text)
    return date + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _in_the_half(wall: datetime, half: str | None) -> datetime:
    """With `9 pm` put forward, and `12 am` back."""
    if half in {"p", "P"} and wall.hour < _NOON:
        return wall + timedelta(hours=_NOON)
    if half in {"a", "A"} and wall.hour == _NOON:
        return wall - timedelta(hours=_NOON)
    return wall


def _zone(found: re.Match[str]) -> timezone:
    if found["sign"] is None:
        return timezone(timedelta(hours=_HOURS_EAST.get((found["name"] or "").upper(), 0)))
    away = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(away if found["sign"] == "+" else -away)
