"""Text that talks to the machine instead of to us: a person should see it, whatever it asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamagents.starter.reading import READ_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterable

GIVES_ORDERS = "The text gives orders to whoever reads it by machine."
_ORDER = re.compile(
    r"""
    \b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?
        (?:the\s+|your\s+|previous\s+|prior\s+|above\s+)+(?:instructions|rules|prompts?)
    | \b(?:system|assistant)\s*:
    | </?\s*(?:data|system|instructions?)\b
    | \b(?:tier|score|track|plan|sentiment|spam|decision|channel|tags)\s*=\s*\S
    | \byour\s+(?:instructions|system\s+prompt)\b
    | \b(?:ignoriere?|vergiss)\s+(?:alle\s+|deine\s+|die\s+|bisherigen\s+)+(?:anweisungen|regeln)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def gives_orders(texts: Iterable[str | None]) -> bool:
    """Whether a text tries to steer its reader. A word list: much will pass it by."""
    return any(_ORDER.search(text[:READ_CHARS]) for text in texts if text)
