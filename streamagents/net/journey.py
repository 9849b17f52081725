"""Journeys: a request on its way, how far it has got, and what an end of it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from streamagents.errors import (
    BrokenAnswerError,
    HttpDeadlineError,
    HttpError,
    NotReachedError,
)
from streamagents.net.target import REDIRECTS, check_redirect, headers_for, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yarl import URL

    from streamagents.net.hosts import Hosts

_SAFE = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Journey:
    """A request and how far it has got."""

    method: str
    url: URL
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    max_bytes: int
    redirects: int
    hosts: Hosts | None
    hops: int = 0
    connected: bool = False

    @property
    def sent(self) -> bool:
        """Whether somebody may have got something."""
        return self.connected or self.hops > 0

    @property
    def who(self) -> str:
        """The peer, for sentences."""
        return where(self.url)

    def ends_with(self, status: int) -> bool:
        """Whether an answer is the last one."""
        return not self.redirects or status not in REDIRECTS

    def go_on(self, location: str) -> None:
        """Turn to where a redirect leads.

        Raises:
            AddressRefusedError: nobody may go there.
            HttpError: it was one too many.
        """
        if self.hops == self.redirects:
            raise HttpError(f"{self.who} redirects once more after {self.redirects} times.")
        url = check_redirect(location, self.url, self.hosts)
        self.headers = headers_for(url, self.url, self.headers)
        self.url, self.hops, self.connected = url, self.hops + 1, False


def checked_headers(
    method: str, headers: Iterable[tuple[str, str]], *, redirects: int
) -> Sequence[tuple[str, str]]:
    """Headers as they may be sent.

    Raises:
        ValueError: the method or a header is none, or such a method is not redirected.
    """
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no HTTP method.")
    if redirects and method not in _SAFE:
        raise ValueError(f"A {method} is not redirected: it would be done where nobody meant.")
    checked = list(headers)
    for name, value in checked:
        if not _TOKEN.fullmatch(name) or name.casefold() in _OURS:
            raise ValueError(f"{name!r} is no header that can be set.")
        if any(not char.isprintable() and char != "\t" for char in value):
            raise ValueError(f"The header {name} has a value with control characters.")
    return checked


def late(journey: Journey, deadline_s: float) -> HttpError:
    """The end of a journey whose time is up."""
    if not journey.sent:
        return NotReachedError(f"{journey.who} could not be reached within {deadline_s:g} s.")
    return HttpDeadlineError(f"{journey.who} did not answer in full within {deadline_s:g} s.")


def failure(journey: Journey, exc: Exception) -> HttpError:
    """An error of aiohttp in a sentence of ours, without what it says of the URL."""
    if isinstance(exc, aiohttp.ClientConnectorError):
        kind = HttpError if journey.sent else NotReachedError
        return kind(f"{journey.who} could not be reached: {_why(exc)}.")
    if isinstance(exc, aiohttp.ClientPayloadError):
        return HttpError(f"{journey.who} sent a body that ends in its middle.")
    if isinstance(exc, aiohttp.ClientResponseError):
        return BrokenAnswerError(f"{journey.who} sent what is no HTTP, or too much of it.")
    return HttpError(f"{journey.who} ended the connection without an answer.")


def _why(exc: aiohttp.ClientConnectorError) -> str:
    if isinstance(exc, aiohttp.ClientConnectorDNSError):
        return "its name leads nowhere"
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not accepted"
    return exc.os_error.strerror or type(exc.os_error).__name__
