"""Field types that forgive what senders really write, without guessing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field

KEY_CHARS = 512
"""A key longer than this is no name of anybody, and it would be copied into every result."""


def _text(value: Any) -> Any:
    """Trim; a blank text is none at all, a number is its digits. Anything else is refused later."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value.strip() or None
    return value


def _in_utc(moment: datetime | None) -> datetime | None:
    """A moment without a zone is meant in UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _list(value: Any) -> Any:
    return [] if value is None else value


def _object(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str | None, BeforeValidator(_text)]
"""Optional text."""

KeyText = Annotated[str, Field(max_length=KEY_CHARS), BeforeValidator(_text)]
"""Text that orders and partitions, and has to be there."""

OptionalKeyText = Annotated[str | None, Field(max_length=KEY_CHARS), BeforeValidator(_text)]
"""Text that orders and partitions, where it is known."""

OptionalEmail = Annotated[EmailStr | None, BeforeValidator(_text)]
"""An address, or nothing; what is neither makes the event invalid."""

Url = Annotated[str, Field(max_length=2048), BeforeValidator(_text)]
"""An address in the web as somebody wrote it: it may be broken in itself."""

Links = Annotated[list[Annotated[str, Field(max_length=2048)]], BeforeValidator(_list)]
"""Several of them."""

Moment = Annotated[datetime | None, BeforeValidator(_text), AfterValidator(_in_utc)]
"""A date and time, or nothing."""

Number = int | float | str | None
"""A quantity as people write it: 120, "1,200", "50-200", "12k". `reading.count` reads it."""

Cents = Annotated[int, Field(ge=-(10**15), le=10**15)]
"""An amount in the smallest unit of its currency."""

Money = Annotated[Decimal, Field(max_digits=18)]
"""An amount in whole units. The bound keeps 1e999999 from being printed in full."""

Answers = Annotated[dict[str, Any], BeforeValidator(_object)]
"""The answers of a form, by question."""
