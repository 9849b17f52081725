"""The monitor of pages: what a reader sees there, told when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import PollError
from streamagents.monitors.item import Item, digest
from streamagents.monitors.monitor import Common, Monitor
from streamagents.monitors.reading import difference, seen_on
from streamagents.monitors.selector import Selector
from streamagents.monitors.web import shown

if TYPE_CHECKING:
    from typing import Unpack

    from streamagents.monitors.visit import Visit

_MAX_BYTES = 2 << 20
_KEPT_CHARS = 100_000
"""Of a page's text, to be compared with."""
_SHOWN_CHARS = 10_000


class PageMonitor(Monitor):
    """Compares texts: `PageMonitor("prices", "https://a.example/prices", select="main", to=...)`.

    An item's `text` is the difference by lines, `+` and `-`; it has `before` and `after`, too.
    The first look takes the page as it is.

    Args:
        name: of the monitor.
        url: of the page. Its robots.txt is obeyed.
        select: the part that counts, as a CSS selector; else all of it.
        common: see `Monitor`.

    Raises:
        ConfigurationError: it cannot work so.
    """

    kind, changes = "page", True

    def __init__(
        self, name: str, url: str, *, select: str | None = None, **common: Unpack[Common]
    ) -> None:
        super().__init__(name, **common)
        self.url, self.select = url, None if select is None else Selector(select)

    async def look(self, visit: Visit) -> list[Item]:
        """Read the page, and compare."""
        reply = await visit.get(self.url, robots=True, max_bytes=_MAX_BYTES)
        page = await visit.read(seen_on, reply, self.select)
        if not page.text:
            part = f" where {self.select.text!r} should be" if self.select else ""
            raise PollError(f"{shown(self.url)} shows nothing{part}.")
        before = visit.memory.get("text")
        seen, kept = digest(page.text, size=16), page.text[:_KEPT_CHARS]
        unchanged = visit.memory.get("seen") == seen
        visit.memory.update(seen=seen, text=kept)
        if before is None or unchanged:
            return []
        more = {"before": before[:_SHOWN_CHARS], "after": kept[:_SHOWN_CHARS]}
        text = difference(before, kept)
        # The same page may come back: what changes at another slot is another change.
        id_ = f"{visit.slot.isoformat()}"
        return [
            Item(id=id_, title=page.title, url=self.url, text=text, published=visit.now, more=more)
        ]
