"""Reading what people write: words, quantities and the language, bounded in what they cost."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic_core import to_jsonable_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamagents.starter.fields import Number

Language = Literal["en", "de"]
T = TypeVar("T")

READ_CHARS = 20_000
"""Rules read no further: a text of megabytes would hold up every other event of the worker."""
_LARGEST = 10**12
_NAME_CHARS, _ENTRY_CHARS = 100, 100
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[.,;:!?()\n]|[\u2639-\u2764\U0001f300-\U0001faff]")
_QUANTITY = re.compile(
    r"(?<![^\W_])(?P<whole>\d{1,3}(?:[.,']\d{3}){1,3}(?!\d)|\d{1,12})(?:[.,](?P<part>\d{1,3}))?"
    r"\s?(?P<unit>k|tsd|m|mio)?(?![^\W_])",
    re.IGNORECASE,
)
_UNITS = {"": 1, "k": 1_000, "tsd": 1_000, "m": 1_000_000, "mio": 1_000_000}
# Words that one of the two languages has and the other has not.
_GERMAN = frozenset({
    "der", "das", "und", "ist", "nicht", "ich", "wir", "ihr", "sie", "ein", "eine", "einen", "mit",
    "auf", "für", "von", "zu", "bei", "auch", "aber", "sehr", "kein", "keine", "habe", "haben",
    "wurde", "werden", "bitte", "danke", "euch", "uns", "mein", "meine", "schon", "noch", "nur",
    "nie",
})  # fmt: skip
_ENGLISH = frozenset({
    "the", "and", "is", "not", "we", "you", "they", "of", "with", "on", "for", "from", "to", "at",
    "also", "but", "very", "my", "our", "your", "have", "has", "been", "please", "thanks", "this",
    "that", "it", "are",
})  # fmt: skip


def tokens(text: str) -> list[str]:
    """Words in lower case, the punctuation that ends a clause, and emoji, in order."""
    plain = unicodedata.normalize("NFKC", text[:READ_CHARS]).replace("\u2019", "'")
    return _TOKEN.findall(plain.casefold())


def found(phrases: Iterable[str], text: str | None) -> list[str]:
    """The phrases that occur in a text as whole words, in the order given."""
    if not text:
        return []
    line = f" {' '.join(token for token in tokens(text) if token[0].isalpha())} "
    return [phrase for phrase in phrases if f" {phrase} " in line]


def count(value: Number) -> int | None:
    """A quantity: of a range the lower end, of "12k" 12,000. None where there is none to read."""
    if isinstance(value, int):
        return value if 0 <= value <= _LARGEST else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and 0 <= value <= _LARGEST else None
    text = (value or "")[:100].strip()
    match = _QUANTITY.search(text)
    if match is None or text.startswith("-"):
        return None
    whole = re.sub(r"\D", "", match["whole"])
    unit = _UNITS[(match["unit"] or "").lower()]
    quantity = int(float(f"{whole}.{match['part'] or 0}") * unit)
    return quantity if quantity <= _LARGEST else None


def language(text: str) -> Language:
    """German where its small words outnumber the English ones, else English."""
    words = tokens(text)
    german = sum(word in _GERMAN for word in words)
    return "de" if german > sum(word in _ENGLISH for word in words) else "en"


def bounded(value: Any, chars: int = 40_000) -> Any:
    """An event for a model to read: its texts cut once they come to so many characters.

    What a megabyte says that its first pages do not say is not worth what it costs to read.
    """
    return _cut(to_jsonable_python(value), [chars])


def _cut(value: Any, left: list[int]) -> Any:
    if isinstance(value, dict):
        return {name[:_NAME_CHARS]: _cut(of, left) for name, of in _some(value.items(), left)}
    if isinstance(value, list):
        return [_cut(one, left) for one in _some(value, left)]
    if isinstance(value, str):
        text = value[: max(0, left[0])]
        left[0] -= len(text)
        return text if len(text) == len(value) else f"{text} [...]"
    # NaN and infinity are no JSON, though some senders write them.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _some(values: Iterable[T], left: list[int]) -> Iterator[T]:
    """As many as there is room for: each takes some, whatever is in it."""
    for value in values:
        if left[0] <= 0:
            return
        left[0] -= _ENTRY_CHARS
        yield value


def one_line(value: object, chars: int = 80) -> str:
    """A value fit for a sentence: no line breaks, no control characters, not long."""
    text = str(value)[: chars * 4]
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= chars else line[: chars - 3].rstrip() + "..."
