"""The monitor of links: a site's pages are read, and what they link to is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from streamagents.monitors.crawl import Bounds, Crawl, item_of
from streamagents.monitors.crawler import Crawler
from streamagents.monitors.monitor import Common, Monitor

if TYPE_CHECKING:
    from typing import Unpack

    from streamagents.monitors.item import Item
    from streamagents.monitors.visit import Visit

log = structlog.stdlib.get_logger("streamagents.monitors")

_DAY_S = 86_400.0
_LAST_S = 60.0
"""The last link of a tick may take so long: turns, delays and deadlines."""


class LinkMonitor(Monitor):
    """Crawls a site: `LinkMonitor("links", "https://a.example/sitemap.xml", to=BrokenLink, ...)`.

    Each tick does a part of a round. Items have `broken page anchor status error since
    checked_at`: one when a link is broken, one when it works again.

    Args:
        name: of the monitor.
        url: a page, a sitemap or an index of sitemaps; pages of its host are read.
        pages: read in a round.
        links: tried in a round, beside them.
        elsewhere: whether links to other hosts are tried.
        round_s: from the beginning of a round to the next one.
        work_s: of a tick; no request begins after it.
        common: see `Monitor`, which raises ConfigurationError.
    """

    kind, changes, every_s = "links", True, 300

    def __init__(
        self,
        name: str,
        url: str,
        *,
        pages: int = 200,
        links: int = 1000,
        elsewhere: bool = True,
        round_s: float = _DAY_S,
        work_s: float = 20.0,
        **common: Unpack[Common],
    ) -> None:
        common.setdefault("timeout_s", work_s + _LAST_S)
        super().__init__(name, **common)
        self.url, self.round_s = url, round_s
        self.bounds = Bounds(
            start=url, pages=pages, links=links, elsewhere=elsewhere, work_s=work_s
        )

    async def look(self, visit: Visit) -> list[Item]:
        """Do a part of a round."""
        crawl = Crawl.model_validate(visit.memory)
        crawl.begin_if_due(self.url, visit.now, self.round_s)
        is_under_way = not crawl.has_ended
        changes = await Crawler(self.bounds, crawl, visit).work()
        if crawl.has_ended and is_under_way and crawl.cut:
            log.warning("round_cut", monitor=self.name, left_out=crawl.cut, pages=crawl.pages)
        visit.memory.update(crawl.model_dump(mode="json"))
        return [item_of(change, visit.now.isoformat()) for change in changes]
