"""Dates: the moments that feeds, listings and HTTP write, in the ways in which they write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_MAX_CHARS = 80
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?\s*(Z|z|[+-]\d{2}:?\d{2})?)?"
)


def moment(text: Any) -> datetime | None:
    """A date in UTC; None if it is none. Where it names no zone, UTC is meant."""
    if not isinstance(text, str):
        return None
    text = text.strip()
    if not text or len(text) > _MAX_CHARS:
        return None
    try:
        read = _iso(text) or parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return _in_utc(read)


def from_epoch(seconds: Any) -> datetime | None:
    """Seconds since 1970 in UTC; None if they are none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, time, zone = found.groups()
    zone = "+00:00" if zone in {None, "Z", "z"} else zone
    return datetime.fromisoformat(f"{day}T{time or '00:00'}{zone}")


def _in_utc(read: datetime) -> datetime | None:
    try:
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 somewhere east
        return None
