"""Entries: one item of an RSS or Atom feed, whichever names its author gave to its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from lxml import etree

from streamagents.monitors.dates import moment
from streamagents.monitors.item import Item, plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_PREFIXES = {
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/atom/ns#": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dc:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner:",
}
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_TEXTS = ("content:encoded", "content", "description", "summary", "itunes:summary")
_DATES = ("pubdate", "published", "dc:date", "issued", "dc:created", "updated", "modified", "date")
_MAX_MARKUP = 200_000
_MOST_TAGS = 20


class Entry:
    """Reads one element.

    Args:
        element: `item` or `entry`.
        base: where the feed was found, for relative links.
    """

    def __init__(self, element: Any, base: str) -> None:
        self._element, self._base = element, element.get(_XML_BASE) or base
        self._parts: dict[str, list[Any]] = {}
        for part in element.iterchildren(etree.Element):
            self._parts.setdefault(_name(part.tag), []).append(part)

    def item(self) -> Item:
        """All of it."""
        link = self._link()
        enclosure = next((part.get("url") for part in self._all("enclosure")), None)
        return Item(
            id=self._text("guid") or self._text("id") or self._element.get(_ABOUT) or link,
            title=self._readable("title") or self._readable("media:title"),
            url=link,
            text=self._body(),
            author=self._author(),
            published=self.published(),
            more={"tags": self._tags(), "enclosure": (enclosure or "")[:2048] or None},
        )

    def published(self) -> datetime | None:
        """When, by the first date of it that is one."""
        dates = (moment(_shallow(part)) for name in _DATES for part in self._all(name))
        return next((date for date in dates if date is not None), None)

    def _link(self) -> str:
        found = self._text("feedburner:origlink") or self._of_links() or self._permalink()
        try:
            return urljoin(self._base, found) if found else ""
        except ValueError:  # it looks like an address, and is none
            return found

    def _of_links(self) -> str:
        """Atom has attributes, and several kinds of links; RSS has a text."""
        for part in self._all("link"):
            if (part.get("rel") or "alternate") == "alternate":
                found = part.get("href") or _shallow(part)
                if found.strip():
                    return str(found).strip()
        return ""

    def _permalink(self) -> str:
        guid = next(iter(self._all("guid")), None)
        if guid is None or (guid.get("isPermaLink") or "true").casefold() == "false":
            return ""
        text = _shallow(guid).strip()
        return text if text.startswith(("http://", "https://")) else ""

    def _body(self) -> str:
        text = next(filter(None, map(self._readable, _TEXTS)), "")
        if text:
            return text
        groups = [self._element, *self._all("media:group")]
        found = (part for group in groups for part in group.iterchildren("{*}description"))
        return next((plain(_shallow(part)) for part in found), "")

    def _author(self) -> str:
        for part in self._all("author"):
            name = next((_shallow(child) for child in part.iterchildren("{*}name")), "")
            if text := (name or _shallow(part)).strip():
                return text
        return self._text("dc:creator") or self._text("itunes:author")

    def _tags(self) -> list[str]:
        tags = (part.get("term") or _shallow(part) for part in self._all("category"))
        return [tag.strip()[:100] for tag in tags if tag.strip()][:_MOST_TAGS]

    def _readable(self, name: str) -> str:
        return next(filter(None, (_markup(part) for part in self._all(name))), "")

    def _text(self, name: str) -> str:
        return next((text for part in self._all(name) if (text := _shallow(part).strip())), "")

    def _all(self, name: str) -> Iterable[Any]:
        return self._parts.get(name, ())


def _name(tag: Any) -> str:
    """As `pubdate` or `dc:date`; what no feed of ours has keeps its namespace."""
    space, _, local = tag.rpartition("}") if isinstance(tag, str) else ("", "", "")
    prefix = _PREFIXES.get(space[1:].casefold()) if space else ""
    return tag if prefix is None else prefix + local.casefold()


def _shallow(part: Any) -> str:
    """Its own text, and none of what is inside of it: that is no name, date or address."""
    return "".join([part.text or "", *(child.tail or "" for child in part)])


def _markup(part: Any) -> str:
    """What a reader sees of it, be it text, escaped HTML or XHTML."""
    if not len(part):
        return plain(part.text or "").strip()
    whole = etree.tostring(part, encoding="unicode", with_tail=False)
    inside = whole[whole.find(">") + 1 : _MAX_MARKUP]
    return plain(inside).strip()
