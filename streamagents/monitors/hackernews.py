"""The monitor of Hacker News: the newest stories and comments that a search finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from streamagents.errors import PollError
from streamagents.monitors.dates import from_epoch, moment
from streamagents.monitors.item import Item, plain
from streamagents.monitors.jsons import json_of, number, objects, word
from streamagents.monitors.monitor import Common, Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from streamagents.monitors.visit import Visit
    from streamagents.net import Reply

_ALGOLIA = "https://hn.algolia.com"
_HERE = "https://news.ycombinator.com/item?id="


class HackerNewsMonitor(Monitor):
    """Searches by date: `HackerNewsMonitor("hn", query="nordwind", to=Mention, ...)`.

    Items have `points comments`, too.

    Args:
        name: of the monitor.
        query: words, as Algolia takes them.
        tags: kinds of items, any of them.
        base: where the search is; None is its own place.
        common: see `Monitor`, which raises ConfigurationError.
    """

    kind = "hackernews"

    def __init__(
        self,
        name: str,
        *,
        query: str,
        tags: Sequence[str] = ("story", "comment"),
        base: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(name, **common)
        asked = {"query": query, "tags": f"({','.join(tags)})", "hitsPerPage": 100}
        self.url = f"{(base or _ALGOLIA).rstrip('/')}/api/v1/search_by_date?{urlencode(asked)}"

    async def look(self, visit: Visit) -> list[Item]:
        """Search."""
        return await visit.read(hits_of, await visit.get(self.url))


def hits_of(reply: Reply) -> list[Item]:
    """What a search has found; PollError where it is no answer to one."""
    hits = json_of(reply).get("hits")
    if not isinstance(hits, list):
        raise PollError("The search of Hacker News answers with JSON that has no hits.")
    return [_item(hit) for hit in objects(hits)]


def _item(hit: dict[str, Any]) -> Item:
    id_ = word(hit.get("objectID"))
    return Item(
        id=id_,
        title=word(hit.get("title")) or word(hit.get("story_title")),
        url=_HERE + id_ if id_ else word(hit.get("url")),
        text=plain(word(hit.get("comment_text")) or word(hit.get("story_text"))),
        author=word(hit.get("author")),
        published=from_epoch(hit.get("created_at_i")) or moment(hit.get("created_at")),
        more={
            "link": word(hit.get("url"))[:2048] or None,
            "points": number(hit.get("points")),
            "comments": number(hit.get("num_comments")),
        },
    )
