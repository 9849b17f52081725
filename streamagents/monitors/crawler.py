"""The crawler: does a part of a crawl, one request after another, for as long as a tick may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from streamagents.errors import (
    AddressRefusedError,
    HttpError,
    PollError,
    ThrottledError,
    TooLargeError,
)
from streamagents.monitors.crawl import Todo
from streamagents.monitors.reading import links_on
from streamagents.monitors.sitemaps import sitemap_of
from streamagents.monitors.web import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamagents.monitors.crawl import Bounds, Change, Crawl
    from streamagents.monitors.visit import Visit
    from streamagents.net import Reply

_DEADLINE_S = 10.0
_PAGE_BYTES = 2 << 20
_TRIED_BYTES = 64 << 10
"""Of a link that is only tried: what is larger is there."""
_BROKEN = frozenset({400, 404, 410, 500, 501, 502, 503, 504, 520, 521, 522, 523, 525, 526, 530})
"""Others, as 401, 403 and 999, are told to who is no person with a browser: they say nothing."""
_UNSURE = 400
_HTML = ("text/html", "application/xhtml")
_MOST_OF_A_PAGE = 2000


class Crawler:
    """One tick's work.

    Args:
        bounds: how far it goes.
        crawl: where it stands; it moves on.
        visit: asks.
    """

    def __init__(self, bounds: Bounds, crawl: Crawl, visit: Visit) -> None:
        self._bounds, self._crawl, self._visit = bounds, crawl, visit
        self._host = shown(bounds.start)

    async def work(self) -> list[Change]:
        """Read and try what there is time for.

        Raises:
            PollError: the beginning of the site cannot be read.
            HttpError: likewise.
        """
        changes: list[Change] = []
        began = self._visit.web.monotonic()
        while self._visit.web.monotonic() - began < self._bounds.work_s:
            todo = self._crawl.take(self._visit.now)
            if todo is None:
                break
            change = await self._do(todo)
            if change is not None:
                changes.append(change)
        return changes

    async def _do(self, todo: Todo) -> Change | None:
        is_start = todo.url == self._bounds.start
        try:
            status, reply = await (self._read(todo) if todo.read else self._try(todo))
        except TooLargeError:
            return self._crawl.works(todo)
        except (ThrottledError, AddressRefusedError, PollError):
            if is_start:
                raise
            return None  # not for us, or not now: nobody can say
        except HttpError as exc:
            if is_start:
                raise
            return self._crawl.fails(todo, self._visit.now, str(exc))
        if status in _BROKEN:
            if is_start:
                raise PollError(f"{self._host} answers with {status}.")
            reason = f"It answers with {status}."
            return self._crawl.fails(todo, self._visit.now, reason, status)
        if reply is not None and todo.read:
            self._crawl.found(
                await self._visit.read(self._found_on, reply),
                pages=self._bounds.pages,
                most=self._bounds.links,
            )
        return self._crawl.works(todo)

    async def _read(self, todo: Todo) -> tuple[int, Reply | None]:
        await self._visit.web.obey(todo.url)
        reply = await self._visit.web.ask(
            "GET", todo.url, deadline_s=_DEADLINE_S, max_bytes=_PAGE_BYTES
        )
        return reply.status, reply if reply.status < _UNSURE else None

    async def _try(self, todo: Todo) -> tuple[int, Reply | None]:
        """HEAD, and GET where that says no: some servers know no HEAD."""
        ask = self._visit.web.ask
        if todo.since is None:
            try:
                reply = await ask("HEAD", todo.url, deadline_s=_DEADLINE_S, max_bytes=_TRIED_BYTES)
            except (ThrottledError, AddressRefusedError):
                raise
            except HttpError:
                reply = None
            if reply is not None and reply.status < _UNSURE:
                return reply.status, None
        reply = await ask("GET", todo.url, deadline_s=_DEADLINE_S, max_bytes=_TRIED_BYTES)
        return reply.status, None

    def _found_on(self, reply: Reply) -> list[Todo]:
        """What a page or a sitemap names; run in a thread."""
        kind = reply.headers.get("Content-Type", "").casefold()
        if kind.startswith(_HTML):
            return [*self._todos(reply)]
        return [*self._pages(sitemap_of(reply), reply.url)]

    def _todos(self, reply: Reply) -> Iterator[Todo]:
        if shown(reply.url) != self._host:
            return  # it led elsewhere: that site is not ours to read
        for link in links_on(reply, _MOST_OF_A_PAGE):
            here = shown(link.url) == self._host
            if here or self._bounds.elsewhere:
                yield Todo(url=link.url, page=reply.url, anchor=link.anchor, read=here)

    def _pages(self, urls: Iterable[str], sitemap: str) -> Iterator[Todo]:
        for url in urls:
            if shown(url) == self._host and URL(url).scheme in {"http", "https"}:
                yield Todo(url=url, page=sitemap, read=True)
