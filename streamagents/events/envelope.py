"""The envelope: what a record says about its event, before anybody looks at the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

Headers = tuple[tuple[str, bytes], ...]
"""Kafka record headers: in order, repeated names kept, values raw."""

Form = Literal["binary", "structured", "envelope", "bare"]


@dataclass(slots=True)
class Envelope:
    """One event as it was read from, or goes to, the wire. Not frozen: that triples its cost."""

    form: Form
    data: bytes
    """The event's data as JSON."""
    id: str | None = None
    source: str = ""
    type: str | None = None
    time: datetime | None = None
    parsed: Any = None
    """The data as Python values, where reading the envelope parsed it anyway."""
    key: str | None = None
    """A key that the envelope itself names; only `{"type", "data", "key"}` has a place for one."""


def header(headers: Headers, name: str) -> bytes | None:
    """The last value of a header, as Kafka's own `lastHeader` has it; None if absent."""
    for key, value in reversed(headers):
        if key == name:
            return value
    return None
