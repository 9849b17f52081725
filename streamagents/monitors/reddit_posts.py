"""Posts of Reddit: where a listing is, and what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from streamagents.errors import PollError
from streamagents.monitors.dates import from_epoch
from streamagents.monitors.item import Item
from streamagents.monitors.jsons import json_of, number, objects, word

if TYPE_CHECKING:
    from streamagents.net import Reply

_SITE = "https://www.reddit.com"


def listing_path(subreddit: str, search: str, ending: str) -> str:
    """The path of the newest posts; the ending is `.rss`, `.json`, or nothing at the API."""
    where = f"/r/{quote(subreddit, safe='+')}" if subreddit else ""
    if not search:
        return f"{where}/new{ending}?{urlencode({'limit': 100})}"
    asked = {"q": search, "sort": "new", "limit": 100}
    if subreddit:
        asked["restrict_sr"] = 1
    return f"{where}/search{ending}?{urlencode(asked)}"


def posts_of(reply: Reply) -> list[Item]:
    """The posts of a listing in JSON.

    Raises:
        PollError: it is none.
    """
    listing = json_of(reply).get("data")
    if not isinstance(listing, dict) or not isinstance(listing.get("children"), list):
        raise PollError("Reddit answers with JSON that is no listing.")
    return [_post(data) for child in objects(listing["children"]) if (data := _data(child))]


def _data(child: dict[str, Any]) -> dict[str, Any]:
    data = child.get("data")
    return data if isinstance(data, dict) else {}


def _post(data: dict[str, Any]) -> Item:
    path = _text(data, "permalink")
    return Item(
        id=word(data.get("name")),
        title=_text(data, "title") or _text(data, "link_title"),
        url=f"{_SITE}{path}" if path.startswith("/") else _text(data, "url"),
        text=_text(data, "selftext") or _text(data, "body"),
        author=word(data.get("author")),
        published=from_epoch(data.get("created_utc")),
        more={
            "subreddit": word(data.get("subreddit"))[:100] or None,
            "score": number(data.get("score")),
            "comments": number(data.get("num_comments")),
        },
    )


def _text(data: dict[str, Any], name: str) -> str:
    """As it was written: for the sake of old clients, Reddit escapes three characters in JSON."""
    text = word(data.get(name))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
