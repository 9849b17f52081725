"""Markup: the text that a reader of an HTML page sees, in one pass over it.

No tree is built. Parsers that build one take minutes for a megabyte of open tags, and the page is
written by whoever wants to.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple

_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*+)")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+([^\s/>][^\s/>=]*+)"""
    r"""(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)|(["'])|(?=>)))?"""
)
"""Its name, its value in one of three ways, or a quote that nothing closes."""
_GAP = re.compile(r"[\s/]*+")
_COMMENT_END = re.compile(r"--!?>")
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_SPACES = re.compile(r"\s+")
_HIDING_STYLE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?:\.0*)?(?:;|!|$)|font-size:0"
)

_MAX_TAGS = 100_000
"""Ten times what large pages have. A thread that reads more would hold the event loop up."""
_RAW = frozenset({
    "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea",
    "title", "xmp",
})  # fmt: skip
"""Their content is no markup: it ends at their own end tag and nowhere else."""
_UNSEEN = frozenset({
    "audio", "canvas", "datalist", "nav", "object", "rp", "select", "svg", "template", "video",
})  # fmt: skip
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
})  # fmt: skip
_ENDED_BY_THE_NEXT = frozenset({"dd", "dt", "li", "option", "p", "td", "th", "tr"})
_BREAKING = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details",
    "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "ol", "option", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
_TELLING = frozenset({"hidden", "open", "style"})
"""Attributes that tell whether an element is shown."""


class Shown(NamedTuple):
    """What a page shows."""

    title: str
    text: str
    """A line for each block."""
    cut: bool
    """There was more markup than is read."""


def text_of(page: str) -> Shown:
    """What a page shows. Broken markup is read on."""
    reading = _Reading(page)
    cut = not reading.read()
    lines = filter(None, map(_collapsed, reading.lines()))
    return Shown(_collapsed(reading.title), "\n".join(lines), cut)


@dataclass(slots=True)
class _Reading:
    page: str
    title: str = ""
    parts: list[str] = field(default_factory=list)
    hidden_by: str = ""
    """The name of the element that hides what is read now."""
    depth: int = 0
    """How many elements of the hiding one's name are open."""

    def lines(self) -> list[str]:
        # References last: a line break or a tag that they hide is text.
        return [_unescaped(line) for line in "".join(self.parts).split("\n")]

    def read(self) -> bool:
        """Read on to the end; whether it was reached."""
        page, at, tags = self.page, 0, 0
        while (opened := page.find("<", at)) >= 0:
            self._show(page[at:opened])
            tags += 1
            if tags > _MAX_TAGS:
                return False
            if page.startswith("<!--", opened):
                at = _after_comment(page, opened)
            elif page[opened + 1 : opened + 2] in {"!", "?"}:
                at = _after(page, ">", opened)
            elif tag := _TAG.match(page, opened):
                at = self._tag(tag)
            elif page.startswith("</", opened):
                at = _after(page, ">", opened)
            else:
                self._show("<")
                at = opened + 1
        self._show(page[at:])
        return True

    def _show(self, text: str) -> None:
        if not self.hidden_by and text:
            self.parts.append(text.replace("\n", " "))

    def _tag(self, tag: re.Match[str]) -> int:
        """Take a tag; where it ends."""
        name, closes = tag[1].lower(), self.page[tag.start() + 1] == "/"
        attributes, at = _attributes(self.page, tag.end())
        if closes:
            self._close(name)
        elif name in _RAW:
            at = self._raw(name, at)
        elif name not in _VOID and not (name == "svg" and self.page[at - 2 : at] == "/>"):
            self._open(name, attributes)
        if not self.hidden_by:
            self.parts.append("\n" if name in _BREAKING else " " if name in _CELLS else "")
        return at

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        if self.hidden_by == name and name in _ENDED_BY_THE_NEXT and self.depth == 1:
            self.hidden_by = ""
        if self.hidden_by:
            self.depth += name == self.hidden_by
        elif name in _UNSEEN or _hides(name, attributes):
            self.hidden_by, self.depth = name, 1

    def _close(self, name: str) -> None:
        if name == self.hidden_by:
            self.depth -= 1
            if not self.depth:
                self.hidden_by = ""

    def _raw(self, name: str, at: int) -> int:
        end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self.page, at)
        until = len(self.page) if end is None else end.start()
        if name == "title" and not self.title and not self.hidden_by:
            self.title = _unescaped(self.page[at:until])
        return until


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """What matters of a tag's attributes, and where it ends: with the page, if nothing ends it."""
    found: dict[str, str] = {}
    while match := _ATTRIBUTE.match(page, at):
        at = match.end()
        name, *values, open_quote = match.groups("")
        if open_quote:
            return found, len(page)
        if (name := name.lower()) in _TELLING:
            found.setdefault(name, "".join(values))
    gap = _GAP.match(page, at)
    return found, 1 + (at if gap is None else gap.end())


def _hides(name: str, attributes: dict[str, str]) -> bool:
    """Whether an element says of itself that it is not shown; style sheets are not read."""
    style = re.sub(r"\s", "", _unescaped(attributes.get("style", ""))).lower()
    closed = name == "dialog" and "open" not in attributes
    return closed or "hidden" in attributes or _HIDING_STYLE.search(style) is not None


def _after(page: str, end: str, at: int) -> int:
    found = page.find(end, at)
    return len(page) if found < 0 else found + len(end)


def _after_comment(page: str, at: int) -> int:
    end = _COMMENT_END.search(page, at + len("<!"))
    return len(page) if end is None else end.end()


def _unescaped(text: str) -> str:
    """With its references as characters; Python refuses to read numbers of 5,000 digits."""
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))


def _collapsed(line: str) -> str:
    return _SPACES.sub(" ", line).strip()
