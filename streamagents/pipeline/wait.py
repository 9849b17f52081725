"""Waiting: when an event that is not to run yet may run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from streamagents.agents.context import MAX_DELAY_S
from streamagents.errors import InvalidEventError
from streamagents.events.envelope import header

if TYPE_CHECKING:
    from streamagents.events import Headers

NOT_BEFORE = "streamagents-not-before"
"""Header: the event may run from this time on (RFC 3339)."""
MAX_PARKED = 10_000
"""Records of a state partition that are parked or wait behind one that is; then it is paused."""
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)
_TOLERANCE = timedelta(hours=1)
"""Clocks differ: an event that was delayed by the most that is allowed must still be taken."""


def due(headers: Headers, now: datetime) -> datetime | None:
    """When an event may run; None: now.

    Raises:
        InvalidEventError: the header is no time, or one too far ahead.
    """
    raw = header(headers, NOT_BEFORE)
    if raw is None:
        return None
    try:
        time = _TIME.validate_strings(raw.decode())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValidationError, UnicodeDecodeError, OverflowError) as exc:
        raise InvalidEventError(
            f"The header {NOT_BEFORE} is no time, but {raw[:40]!r}: write it as RFC 3339."
        ) from exc
    if time > now + timedelta(seconds=MAX_DELAY_S) + _TOLERANCE:
        raise InvalidEventError(
            f"The header {NOT_BEFORE} names {time:%Y-%m-%d}: an event is delayed by at most "
            f"{MAX_DELAY_S / 86_400:.0f} days."
        )
    return time if time > now else None


def milliseconds(time: datetime) -> int:
    """A time as records have it: milliseconds since the epoch."""
    return max(0, round(time.timestamp() * 1000))
