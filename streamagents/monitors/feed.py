"""The monitor of feeds: RSS, Atom and JSON Feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.monitors.feeds import items_of
from streamagents.monitors.monitor import Common, Monitor
from streamagents.monitors.visit import MAX_BYTES

if TYPE_CHECKING:
    from typing import Unpack

    from streamagents.monitors.item import Item
    from streamagents.monitors.visit import Visit

_KINDS = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "application/json;q=0.8, text/xml;q=0.8, */*;q=0.1"
)


class FeedMonitor(Monitor):
    """Reads a feed: `FeedMonitor("betasoft", "https://betasoft.example/feed", to=Post, ...)`.

    Items have `id title url text author published`, and `tags` and `enclosure`.

    Args:
        name: of the monitor.
        url: of the feed.
        max_bytes: a larger feed is not read.
        common: see `Monitor`.

    Raises:
        ConfigurationError: it cannot work so.
    """

    kind = "feed"

    def __init__(
        self, name: str, url: str, *, max_bytes: int = MAX_BYTES, **common: Unpack[Common]
    ) -> None:
        super().__init__(name, **common)
        self.url, self.max_bytes = url, max_bytes

    async def look(self, visit: Visit) -> list[Item]:
        """Read the feed, if it has changed."""
        reply = await visit.get(self.url, headers=[("Accept", _KINDS)], max_bytes=self.max_bytes)
        return await visit.read(items_of, reply)
