"""A crawl: which pages are to be read, which links to be tried, what is broken. Pure, and durable.

It is bounded in pages, links and bytes, and goes on where it stood. A link is broken when a second
look at it, at a later tick, fails, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from streamagents.monitors.item import Item, digest

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BROKEN_BYTES = 300_000
"""Of what is broken; a state value takes a megabyte."""
MOST_BYTES = 680_000
"""Of all that waits, and of the keys of what was seen."""
_EACH_BYTES = 250
"""Of a link, beside its texts."""
_KEY_BYTES = 20
_MAX_REASON = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a crawl goes."""

    start: str
    pages: int
    """Read in a round."""
    links: int
    """Tried in a round, beside them."""
    elsewhere: bool
    """Whether links to other hosts are tried."""
    work_s: float
    """Of a tick; no request begins after it."""


class Todo(BaseModel):
    """An address to be read or tried, and where it was found."""

    url: str
    page: str = ""
    anchor: str = ""
    read: bool = False
    """It is a page of the site: its links count, too."""
    since: datetime | None = None
    """When it failed first."""
    reason: str = ""
    status: int | None = None

    @property
    def key(self) -> str:
        """Short, and the same for the same address."""
        return digest(self.url)


class Change(BaseModel):
    """A link that is broken, or one that was and works."""

    link: Todo
    broken: bool


class Crawl(BaseModel):
    """A round over a site, and what is known of its links."""

    begun_at: datetime | None = None
    todo: list[Todo] = []
    again: list[Todo] = []
    """What failed once, for a later tick."""
    seen: set[str] = set()
    """Keys of this round."""
    broken: dict[str, Todo] = {}
    """What has been told of, by key."""
    pages: int = 0
    links: int = 0
    size: int = 0
    """Bytes of what waits."""
    cut: int = 0
    """So many addresses of this round were left out for its bounds."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left of this round."""
        return not self.todo and not self.again

    def begin_if_due(self, start: str, now: datetime, round_s: float) -> None:
        """Begin a round, if the last one has ended and is old enough."""
        if not self.has_ended:
            return
        if self.begun_at is not None and now - self.begun_at < timedelta(seconds=round_s):
            return
        self.begun_at, self.seen, self.cut = now, set(), 0
        self.pages = self.links = self.size = 0
        self.todo = [Todo(url=start, read=True)]
        self.seen.add(self.todo[0].key)
        # What is broken is tried, too, wherever it stands now.
        for link in self.broken.values():
            self._add(link.model_copy(update={"read": False}))

    def take(self, tick_at: datetime) -> Todo | None:
        """The next address; what failed once has to wait for another tick."""
        first = self.again[0].since if self.again else None
        waiting = self.again if first is not None and first < tick_at else self.todo
        if not waiting:
            return None
        link = waiting.pop(0)
        self.size -= _size(link)
        return link

    def found(self, links: Iterable[Todo], *, pages: int, most: int) -> None:
        """Take addresses in: so many pages and links in a round, and no more."""
        for link in links:
            if link.key in self.seen:
                continue
            link.read = link.read and self.pages < pages
            room = link.read or self.links < most
            if not room or self.size + len(self.seen) * _KEY_BYTES > MOST_BYTES:
                self.cut += 1
                continue
            self._add(link)

    def works(self, link: Todo) -> Change | None:
        """It was tried, and works."""
        told = self.broken.pop(link.key, None)
        return None if told is None else Change(link=told, broken=False)

    def fails(
        self, link: Todo, now: datetime, reason: str, status: int | None = None
    ) -> Change | None:
        """It was tried, and does not."""
        if link.key in self.broken:
            return None
        told = {
            "since": link.since or now,
            "reason": reason[:_MAX_REASON],
            "status": status,
            "read": False,
        }
        failed = link.model_copy(update=told)
        if link.since is None:
            self.again.append(failed)
            self.size += _size(failed)
            return None
        if sum(_size(one) for one in self.broken.values()) > MOST_BROKEN_BYTES:
            self.cut += 1
            return None
        self.broken[link.key] = failed
        return Change(link=failed, broken=True)

    def _add(self, link: Todo) -> None:
        self.seen.add(link.key)
        self.todo.append(link)
        self.size += _size(link)
        if link.read:
            self.pages += 1
        else:
            self.links += 1


def _size(link: Todo) -> int:
    return sum(len(text.encode()) for text in (link.url, link.page, link.anchor)) + _EACH_BYTES


def item_of(change: Change, checked_at: str) -> Item:
    """What is told of a change."""
    link = change.link
    since = link.since.isoformat() if link.since else None
    more: dict[str, Any] = {
        "broken": change.broken,
        "page": link.page or None,
        "anchor": link.anchor or None,
        "status": link.status if change.broken else 200,
        "error": (link.reason or None) if change.broken else None,
        "since": since,
        "checked_at": checked_at,
    }
    id_ = f"{link.key}:{since}" + ("" if change.broken else ":works")
    return Item(id=id_, title=link.anchor, url=link.url, text=link.reason, more=more)
