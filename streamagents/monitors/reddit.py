"""The monitor of Reddit: the newest posts of a subreddit, or those that a search finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError, PollError
from streamagents.monitors.feeds import items_of
from streamagents.monitors.monitor import Common, Monitor
from streamagents.monitors.reddit_posts import listing_path, posts_of

if TYPE_CHECKING:
    from typing import Unpack

    from streamagents.monitors.item import Item
    from streamagents.monitors.reddit_login import RedditLogin
    from streamagents.monitors.visit import Visit

WEB, API = "https://www.reddit.com", "https://oauth.reddit.com"


class RedditMonitor(Monitor):
    """Reads a listing: `RedditMonitor("python", subreddit="python", to=Mention, ...)`.

    With a login through the API, else the public feed. Items have `score comments subreddit`,
    too, where JSON is read.

    Args:
        name: of the monitor.
        subreddit: without `r/`; several with a plus.
        search: words, instead of a subreddit or within it.
        via: `rss` or `json`; the public JSON is refused to many.
        login: of an app; then JSON is read.
        base: where Reddit is; None is its own.
        common: see `Monitor`.

    Raises:
        ConfigurationError: it cannot work so.
    """

    kind = "reddit"

    def __init__(
        self,
        name: str,
        *,
        subreddit: str = "",
        search: str = "",
        via: str = "rss",
        login: RedditLogin | None = None,
        base: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(name, **common)
        if not (subreddit or search) or via not in {"rss", "json"}:
            raise ConfigurationError(
                f"The monitor {name!r}: name a subreddit or a search, and via='rss' or 'json'."
            )
        self._login, self._json = login, bool(login) or via == "json"
        ending = "" if login else f".{via}"
        self.url = (base or (API if login else WEB)).rstrip("/") + listing_path(
            subreddit, search, ending
        )

    async def look(self, visit: Visit) -> list[Item]:
        """Read the listing."""
        headers = []
        if self._login is not None:
            headers.append(("Authorization", f"Bearer {await self._login.token(visit)}"))
        try:
            reply = await visit.get(self.url, headers=headers)
        except PollError:
            if self._login is not None:
                self._login.forget()  # it may have been taken back
            raise
        return await visit.read(posts_of if self._json else items_of, reply)
