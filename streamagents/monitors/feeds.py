"""Feeds: RSS of any age, Atom and JSON Feed to items."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from streamagents.errors import PollError
from streamagents.monitors.dates import moment
from streamagents.monitors.entries import Entry, base_of, is_item, joined
from streamagents.monitors.item import Item, plain
from streamagents.monitors.jsons import json_of, objects, word
from streamagents.monitors.web import shown
from streamagents.monitors.xml import local_name, xml_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.net import Reply

MOST_ITEMS = 2000
"""Of a longer listing the newer end is read."""
_MOST_SEEN = 50_000
"""No feed is longer; who sends more wants to be read for ever."""
_FEEDS = frozenset({"rss", "rdf", "feed", "channel"})
_HTML = re.compile(rb"<(?:html|!doctype html|body|head)\b", re.IGNORECASE)
_BEGINNING_BYTES = 1000
_OF_ITEMS = frozenset({b"item", b"entry"})
_BEGINS = re.compile(rb"(?:<\?xml[^<>]{0,200}>\s{0,99})?<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)
"""A feed behind what does not belong to it: a warning of PHP, or a page around it."""
_NAMES = ("{*}item", "{*}entry", "{*}Item", "{*}Entry", "{*}ITEM", "{*}ENTRY")
_TAG = re.compile(rb"<(/?)(?:\w{1,20}:)?(item|entry|rss|feed|rdf)(?=[\s>]|\Z)", re.IGNORECASE)
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
    root = _root(reply)
    if root is None and (begins := _BEGINS.search(reply.body)):
        reply = replace(reply, body=reply.body[begins.start() :])
        root = _root(reply)
    if root is None:
        kind = "HTML" if _HTML.search(reply.body[:_BEGINNING_BYTES]) else "something else"
        raise PollError(f"{shown(reply.url)} answers with {kind} where a feed should be.")
    base = base_of(root, reply.url)
    found = list(islice(filter(is_item, root.iter(*_NAMES)), _MOST_SEEN))
    if found and _is_cut(reply.body):
        found.pop()  # with half an id it would be news, and whole it would be news once more
    return [Entry(element, base).item() for element in _newer_end(found, base)]


def _root(reply: Reply) -> Any:
    """The root, if it is one of a feed."""
    root = xml_of(reply)
    return root if root is not None and local_name(root.tag).casefold() in _FEEDS else None


def _is_cut(body: bytes) -> bool:
    """Whether a feed ends within an item."""
    cut = False
    for closes, name in _TAG.findall(body):
        if closes and name.lower() not in _OF_ITEMS:
            return False  # what comes behind the feed is none of it
        cut = not closes
    return cut


def _newer_end(elements: Sequence[Any], base: str) -> Sequence[Any]:
    if len(elements) <= MOST_ITEMS:
        return elements
    first, last = (Entry(element, base).published() for element in (elements[0], elements[-1]))
    ascends = first is not None and last is not None and first < last
    return elements[-MOST_ITEMS:] if ascends else elements[:MOST_ITEMS]


def _of_json(reply: Reply) -> list[Item]:
    entries = json_of(reply).get("items")
    if not isinstance(entries, list):
        raise PollError(f"{shown(reply.url)} answers with JSON that is no feed.")
    return [_json_item(entry, reply.url) for entry in objects(entries[:MOST_ITEMS])]


def _json_item(entry: dict[str, Any], base: str) -> Item:
    author = next(objects(entry.get("authors")), None) or entry.get("author")
    text = entry.get("content_text") or plain(word(entry.get("content_html")))
    tags = entry.get("tags")
    url = word(entry.get("url")) or word(entry.get("external_url"))
    words = [word(tag)[:100] for tag in tags[:_MOST_WORDS]] if isinstance(tags, list) else []
    return Item(
        id=word(entry.get("id")),
        title=word(entry.get("title")),
        url=joined(base, url) if url else "",
        text=word(text) or word(entry.get("summary")),
        author=word(author.get("name")) if isinstance(author, dict) else "",
        published=moment(entry.get("date_published")) or moment(entry.get("date_modified")),
        more={"tags": [one for one in words if one]},
    )
