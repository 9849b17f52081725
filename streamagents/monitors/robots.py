"""Robots: what a site says in its robots.txt, asked once an hour and believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protego import Protego

from streamagents.errors import HttpError, describe

if TYPE_CHECKING:
    from streamagents.net import Reply

MAX_ROBOTS_BYTES = 500 << 10
"""As RFC 9309 asks for at least."""
ROBOTS_S = 3600.0
"""Rules are kept for so many seconds."""
_MAX_DELAY_S = 10.0
"""A longer Crawl-delay is meant to say no, and there is a word for that."""
_OK = range(200, 300)
_GONE = range(400, 500)
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site allows."""

    parsed: Protego | None = None
    """None: everything, or with a reason nothing."""
    refused: str = ""

    def allow(self, url: str, agent: str) -> bool:
        """Whether a page may be asked for."""
        if self.refused:
            return False
        return self.parsed is None or bool(self.parsed.can_fetch(url, agent))

    def delay_s(self, agent: str) -> float:
        """Seconds between two requests, as the site wishes."""
        delay = None if self.parsed is None else self.parsed.crawl_delay(agent)
        return min(float(delay), _MAX_DELAY_S) if delay else 0.0


def rules_of(reply: Reply | HttpError) -> Rules:
    """Read an answer, as RFC 9309 says: no such file allows everything, trouble nothing."""
    if isinstance(reply, HttpError):
        return Rules(refused=f"its robots.txt could not be read: {describe(reply)}")
    if reply.status in _OK:
        return Rules(Protego.parse(reply.body.decode(errors="replace")))
    if reply.status in _GONE and reply.status != _TOO_MANY:
        return Rules()
    return Rules(refused=f"its robots.txt is answered with {reply.status}")
