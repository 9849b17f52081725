"""News: a cursor and a listing to what is new, and to the next cursor. Pure."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence  # noqa: TC003 - part of public dataclasses
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from streamagents.monitors.item import Item

First = Literal["from_now", "all"] | int
"""What a monitor makes of its first listing: nothing, everything, or the newest so many."""
OnUpdate = Literal["ignore", "emit"]

_DIGEST_BYTES = 8
_MARK_BYTES = 2 * _DIGEST_BYTES
_LEAST_KNOWN = 1000
_MOST_KNOWN = 8000
"""Marks of items; 170 kB of a state value, which takes a megabyte."""
_LISTINGS = 4
"""So many listings are remembered: one that jumps, or is read page by page, shows nothing twice."""
_TRACKING = re.compile(
    r"(?<=[?&])(?:utm_\w+|fbclid|gclid|mc_[ce]id|ref_src)=[^&]*&?", re.IGNORECASE
)
_BEFORE_HOST = re.compile(r"^https?://(www\.)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of an item."""

    key: bytes
    """Of its id; of its content, too, where an edited item is news."""
    alias: bytes
    """Of what stays when a source gives all its items new ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """An item that is new, and the rest of its event's id."""

    item: Item
    mark: Mark
    id: str
    apart: bool = False
    """Its source has given it the id of another item, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a listing brings."""

    fresh: Sequence[Fresh]
    """In the order in which it happened, the oldest first."""
    held: Collection[bytes]
    """The marks of what is new, too, and left for the next poll."""
    listed: Sequence[Mark]
    """Of the listing, without those that are held."""


class Known:
    """The marks that a monitor remembers, the latest first."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self.marks = list({mark.key: mark for mark in marks}.values())
        self._keys = {mark.key for mark in self.marks}
        self._aliases = {mark.alias for mark in self.marks}

    @classmethod
    def read(cls, text: str) -> Known:
        """From a state."""
        raw = b64decode(text)
        starts = range(0, len(raw) - _MARK_BYTES + 1, _MARK_BYTES)
        return cls(
            Mark(raw[at : at + _DIGEST_BYTES], raw[at + _DIGEST_BYTES : at + _MARK_BYTES])
            for at in starts
        )

    def text(self) -> str:
        """For a state."""
        return b64encode(b"".join(mark.key + mark.alias for mark in self.marks)).decode()

    def has(self, mark: Mark) -> bool:
        """Whether an item is known by its id."""
        return mark.key in self._keys

    def has_alias(self, mark: Mark) -> bool:
        """Whether an item is known by what is in it."""
        return mark.alias in self._aliases


def find_news(
    listing: Iterable[Item],
    known: Known | None,
    *,
    begun_at: datetime,
    first: First = "from_now",
    on_update: OnUpdate = "ignore",
    most: int,
) -> News:
    """Decide what of a listing is new.

    Args:
        listing: as it came; the newest first, unless its dates say otherwise.
        known: what is remembered; None is the first look.
        begun_at: when the first look was.
        first: what the first listing means.
        on_update: whether an item with another content is news.
        most: so many are told at once, the rest at the next poll.
    """
    marked = _marked(listing, on_update)
    if known is None:
        new = marked[len(marked) - _of_the_first(first, len(marked)) :]
    else:
        new = _unknown(marked, known)
        if not known.marks and first != "all":
            # It began empty: perhaps its server was in trouble. What is older is no news.
            new = [one for one in new if not _before(one.item, begun_at)]
    told, held = new[:most], {one.mark.key for one in new[most:]}
    listed = [one.mark for one in marked if one.mark.key not in held]
    return News(fresh=told, held=held, listed=listed)


def next_known(news: News, known: Known | None, undone: Collection[bytes] = ()) -> Known:
    """What is remembered after a poll.

    Args:
        news: what the poll brought.
        known: what was remembered before.
        undone: the keys of items to be tried again.
    """
    before = known.marks if known else []
    marks = [mark for mark in reversed(news.listed) if mark.key not in undone]
    most = min(_MOST_KNOWN, max(_LEAST_KNOWN, _LISTINGS * len(news.listed)))
    return Known(Known([*marks, *before]).marks[:most])


def _marked(listing: Iterable[Item], on_update: OnUpdate) -> list[Fresh]:
    """The items with their marks, each once, the oldest first."""
    listed = [item for item in listing if item.id]
    found: dict[bytes, Fresh] = {}
    firsts: dict[str, Item] = {}
    for item in listed if _ascends(listed) else reversed(listed):
        id_, lasting = item.id, _lasting(item)
        apart = _is_another(item, firsts.setdefault(item.id, item))
        if on_update == "emit":
            content = _digest(item.title, item.text, item.url).hex()
            id_, lasting = f"{id_}@{content}", (*lasting, item.text)
        elif apart:
            id_ = f"{id_}#{_digest(*lasting).hex()}"
        mark = Mark(_digest(id_), _digest(*lasting))
        found.pop(mark.key, None)  # the newest of what is there twice
        found[mark.key] = Fresh(item=item, mark=mark, id=id_, apart=apart)
    return list(found.values())


def _is_another(item: Item, first: Item) -> bool:
    """Whether a source has given two items one id; what was only edited keeps something."""
    return item.title != first.title and same_place(item.url) != same_place(first.url)


def _of_the_first(first: First, listed: int) -> int:
    if first == "from_now":
        return 0
    return listed if first == "all" else min(first, listed)


def _ascends(listed: Sequence[Item]) -> bool:
    """By most of its neighbours: one that is pinned at the top may be of any age."""
    dates = [item.published for item in listed if item.published is not None]
    steps = [(before < after) - (before > after) for before, after in pairwise(dates)]
    return sum(steps) > 0


def _unknown(marked: Sequence[Fresh], known: Known) -> list[Fresh]:
    new = [one for one in marked if not _is_known(one, known)]
    again = [one for one in new if known.has_alias(one.mark)]
    if len(new) == len(marked) or 2 * len(again) > len(marked):
        # Has everything happened anew, or got new ids? What is pinned may have kept its own.
        return [one for one in new if not known.has_alias(one.mark)]
    return new


def _is_known(one: Fresh, known: Known) -> bool:
    # Which of those that share an id is the first of them, may change.
    return known.has(one.mark) or (one.apart and known.has_alias(one.mark))


def _before(item: Item, moment: datetime) -> bool:
    return item.published is not None and item.published < moment


def _lasting(item: Item) -> tuple[str, ...]:
    if item.title and item.published is not None:
        return item.title, item.published.isoformat()
    return item.title or item.text[:500], same_place(item.url)


def same_place(url: str) -> str:
    """A URL without what changes although it leads to the same page."""
    bare = _TRACKING.sub("", _BEFORE_HOST.sub("", url.partition("#")[0]))
    return bare.rstrip("?&/")


def _digest(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=_DIGEST_BYTES).digest()
