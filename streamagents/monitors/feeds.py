"""Feeds: RSS of any age, Atom and JSON Feed to items."""

from __future__ import annotations

import re
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from streamagents.errors import PollError
from streamagents.monitors.dates import moment
from streamagents.monitors.entries import Entry
from streamagents.monitors.item import Item, plain
from streamagents.monitors.jsons import json_of, objects, word
from streamagents.monitors.web import shown
from streamagents.monitors.xml import local_name, xml_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamagents.net import Reply

MOST_ITEMS = 2000
"""Of a longer listing the newer end is read."""
_MOST_SEEN = 50_000
"""No feed is longer; who sends more wants to be read for ever."""
_FEEDS = frozenset({"rss", "rdf", "feed", "channel"})
_HTML = re.compile(rb"<(?:html|!doctype html|body|head)\b", re.IGNORECASE)
_BEGINNING_BYTES = 1000
_MOST_WORDS = 20


def items_of(reply: Reply) -> list[Item]:
    """The items of a feed, in its order.

    Raises:
        PollError: it is no feed.
    """
    start = reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise PollError(f"{shown(reply.url)} answers with nothing where a feed should be.")
    return _of_json(reply) if start == b"{" else _of_xml(reply)


def _of_xml(reply: Reply) -> list[Item]:
    root = xml_of(reply)
    name = "" if root is None else local_name(root.tag).casefold()
    if name not in _FEEDS:
        kind = "HTML" if _HTML.search(reply.body[:_BEGINNING_BYTES]) else "something else"
        raise PollError(f"{shown(reply.url)} answers with {kind} where a feed should be.")
    base = root.base or reply.url
    elements = _newer_end(root.iter("{*}item", "{*}entry"), base)
    return [Entry(element, base).item() for element in elements]


def _newer_end(elements: Iterable[Any], base: str) -> Sequence[Any]:
    beginning: list[Any] = []
    end: deque[Any] = deque(maxlen=MOST_ITEMS)
    for element in islice(elements, _MOST_SEEN):
        if len(beginning) < MOST_ITEMS:
            beginning.append(element)
        end.append(element)
    if len(beginning) < MOST_ITEMS:
        return beginning
    first, last = (Entry(element, base).published() for element in (beginning[0], end[-1]))
    ascends = first is not None and last is not None and first < last
    return list(end) if ascends else beginning


def _of_json(reply: Reply) -> list[Item]:
    entries = json_of(reply).get("items")
    if not isinstance(entries, list):
        raise PollError(f"{shown(reply.url)} answers with JSON that is no feed.")
    return [_json_item(entry) for entry in objects(entries[:MOST_ITEMS])]


def _json_item(entry: dict[str, Any]) -> Item:
    author = next(objects(entry.get("authors")), None) or entry.get("author")
    text = entry.get("content_text") or plain(word(entry.get("content_html")))
    tags = entry.get("tags")
    words = [word(tag)[:100] for tag in tags[:_MOST_WORDS]] if isinstance(tags, list) else []
    return Item(
        id=word(entry.get("id")),
        title=word(entry.get("title")),
        url=word(entry.get("url")) or word(entry.get("external_url")),
        text=word(text) or word(entry.get("summary")),
        author=word(author.get("name")) if isinstance(author, dict) else "",
        published=moment(entry.get("date_published")) or moment(entry.get("date_modified")),
        more={"tags": [one for one in words if one]},
    )
