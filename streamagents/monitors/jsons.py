"""JSON from the wire: an object, and what stands in it, whatever it was meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from streamagents.errors import PollError
from streamagents.monitors.web import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.net import Reply

_BOM = b"\xef\xbb\xbf"


def json_of(reply: Reply) -> dict[str, Any]:
    """The object that an answer is.

    Raises:
        PollError: it is none.
    """
    try:
        read = from_json(reply.body.removeprefix(_BOM))
    except ValueError:
        raise PollError(f"{shown(reply.url)} answers with JSON that cannot be read.") from None
    if not isinstance(read, dict):
        raise PollError(f"{shown(reply.url)} answers with JSON that is no object.")
    return read


def word(value: Any) -> str:
    """A text, also where it is a number; nothing for what is neither."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number(value: Any) -> int | None:
    """A whole number of a size that people have; None for what is none."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) < 1 << 53 else None


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list; none where it is no list."""
    found = value if isinstance(value, list) else ()
    return (one for one in found if isinstance(one, dict))
