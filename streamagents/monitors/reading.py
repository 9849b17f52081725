"""Reading pages: what stands on them, their links, and what has changed. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lxml import etree

from streamagents.errors import PollError
from streamagents.monitors.item import fit, one_line
from streamagents.monitors.web import shown
from streamagents.monitors.xml import html_of
from streamagents.net.encoding import decode
from streamagents.net.markup import text_of

if TYPE_CHECKING:
    from streamagents.monitors.selector import Selector
    from streamagents.net import Reply

_TEXTS = ("text/", "application/xhtml", "application/json", "application/xml")
_MOST_PARTS = 500
_MOST_TAGS = 100_000
_MAX_URL = 1000
_MAX_ANCHOR = 100
_MOST_WORDS = 20
"""An anchor may hold all the rest of a page."""
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader sees."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where a page leads."""

    url: str
    anchor: str
    """The words that are linked."""


def seen_on(reply: Reply, select: Selector | None) -> Seen:
    """The text of a page, or of the parts of it that are selected.

    Raises:
        PollError: it is no text.
    """
    kind = reply.headers.get("Content-Type", "").casefold()
    if kind and not kind.startswith(_TEXTS):
        raise PollError(f"{shown(reply.url)} answers with what is no text.")
    markup = decode(reply.body, kind)
    whole = text_of(markup)
    if select is None:
        return Seen(fit(whole.title), fit(whole.text).strip())
    root = html_of(reply)
    found = () if root is None else select.all(root)
    parts = [
        text_of(etree.tostring(part, encoding="unicode", method="html", with_tail=False)).text
        for part, _ in zip(found, range(_MOST_PARTS), strict=False)
    ]
    return Seen(fit(whole.title), fit("\n".join(parts)).strip())


def difference(before: str, after: str) -> str:
    """Lines that went, with a minus, then lines that came, with a plus.

    Lines are counted and not aligned: that takes as long as the texts, whatever is in them.
    """
    old, new = before.split("\n"), after.split("\n")
    gone = _without(old, new)
    come = _without(new, old)
    lines = [*(f"- {line}" for line in gone), *(f"+ {line}" for line in come)]
    return "\n".join(lines) or "The same lines, in another order."


def links_on(reply: Reply, most: int) -> list[Link]:
    """The links of a page, each once, without their fragments."""
    root = html_of(reply)
    if root is None:
        return []
    base = next((element.get("href") for element in root.iter("base")), None) or ""
    base, seen = _joined(reply.url, base), {None}
    found: dict[str, Link] = {}
    for element in islice(root.iter("a"), _MOST_TAGS):
        href = element.get("href")
        if href in seen:
            continue
        seen.add(href)
        url = _joined(base, href)
        if url.startswith(_SCHEMES) and len(url) <= _MAX_URL:
            words = (text[:_MAX_ANCHOR] for text in islice(element.itertext(), _MOST_WORDS))
            anchor = one_line("".join(words))[:_MAX_ANCHOR]
            found.setdefault(url, Link(url, anchor))
        if len(found) >= most:
            break
    return list(found.values())


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, fit(href).strip()).partition("#")[0]
    except ValueError:  # it looks like an address, and is none
        return ""


def _without(lines: list[str], others: list[str]) -> list[str]:
    left, rest = Counter(others), []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            rest.append(line)
    return rest
