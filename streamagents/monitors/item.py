"""Items: what a monitor sees, made fit for an event however it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from streamagents.net.markup import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_ID = 200
"""A longer id is kept as its digest."""
_MAX_TITLE = 300
_MAX_AUTHOR = 200
_MAX_URL = 2048
_MAX_TEXT = 20_000
_MAX_MARKUP = 200_000
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls, halves of characters, and what is no character."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a monitor sees. Texts are cleaned and cut to what an event can carry.

    Without an id of its own it goes by its URL, without that by a digest of title and text.
    """

    id: str = ""
    title: str = ""
    url: str = ""
    text: str = ""
    author: str = ""
    published: datetime | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind of monitor knows; JSON."""

    def __post_init__(self) -> None:
        """Clean what came in."""
        put = object.__setattr__  # the class is frozen
        put(self, "title", one_line(self.title)[:_MAX_TITLE])
        put(self, "author", one_line(self.author)[:_MAX_AUTHOR])
        url = _UNFIT.sub("", self.url).strip()
        put(self, "url", url if len(url) <= _MAX_URL else "")  # half a URL leads elsewhere
        put(self, "text", fit(self.text[: 2 * _MAX_TEXT]).strip()[:_MAX_TEXT])
        put(self, "id", _id(_SPACES.sub(" ", fit(self.id)).strip() or url, self.title, self.text))

    def data(self) -> dict[str, Any]:
        """What an event is made of: these fields, those of `more`, and null for what is empty."""
        return {
            **self.more,
            "id": self.id,
            "title": self.title or None,
            "url": self.url or None,
            "text": self.text or None,
            "author": self.author or None,
            "published": self.published and self.published.isoformat(),
        }


def fit(text: str) -> str:
    """Without what JSON, Kafka or a person's screen trips over."""
    return _UNFIT.sub("", text)


def one_line(text: str) -> str:
    """Cleaned, and on one line; cut far beyond any use."""
    return _SPACES.sub(" ", fit(text[:_MAX_TEXT])).strip()


def plain(markup: str) -> str:
    """What a reader sees of a text that may be HTML."""
    markup = markup[:_MAX_MARKUP]
    return text_of(markup).text if "<" in markup or "&" in markup else markup


def digest(*parts: str, size: int = 8) -> str:
    """A short name for a text, the same on any worker."""
    whole = "\0".join(parts).encode(errors="replace")
    return blake2b(whole, digest_size=size).hexdigest()


def _id(said: str, title: str, text: str) -> str:
    if said:
        return said if len(said) <= MAX_ID else f"digest-{digest(said, size=16)}"
    return f"digest-{digest(title, text, size=16)}" if title or text else ""
