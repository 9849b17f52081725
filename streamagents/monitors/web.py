"""The web, as all monitors of a worker share it: one request at a time for each host, and robots.

Touches: the network, through net.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

from yarl import URL

from streamagents.errors import HttpError, PollError, ThrottledError
from streamagents.monitors.dates import moment
from streamagents.monitors.robots import MAX_ROBOTS_BYTES, ROBOTS_S, Rules, rules_of
from streamagents.net.target import where

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from streamagents.net import Http, Reply
    from streamagents.ports import Clock

T = TypeVar("T")

AGENT = "streamagents"
"""How robots.txt calls us."""
MAX_WAIT_S = 86_400.0
"""A Retry-After beyond it is not believed."""
_DEFAULT_WAIT_S = 300.0
"""Where a 429 does not say how long."""
TOO_MANY = 429
_BUSY = frozenset({TOO_MANY, 503})
_MOST_HOSTS = 1000
_ROBOTS_DEADLINE_S = 10.0
_REDIRECTS = 5


@dataclass(slots=True)
class _Host:
    """What is remembered of a host."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    """When the next request may begin."""
    closed_until: float = 0.0
    """It has asked to be left alone."""
    delay_s: float = 0.0
    rules: Rules | None = None
    rules_until: float = 0.0


class Web:
    """Asks hosts, politely.

    Args:
        http: the client.
        clock: the time.
        contact: whom a site's owner can ask; stands in the User-Agent.
        distance_s: seconds from an answer of a host to the next request to it.
    """

    def __init__(
        self, http: Http, clock: Clock, *, contact: str = "", distance_s: float = 1.0
    ) -> None:
        self._http, self._clock, self._distance_s = http, clock, distance_s
        self.user_agent = f"{AGENT}/{_version()}" + (f" (+{contact})" if contact else "")
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._reading = asyncio.Semaphore(1)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        deadline_s: float,
        max_bytes: int,
        busy: Collection[int] = _BUSY,
    ) -> Reply:
        """Ask once, when it is our turn.

        Any status is an answer but those by which a host asks for rest: 429, and 503 with a time.

        Raises:
            ThrottledError: the host asks us to come back later, or has done so before.
            HttpError: there is no usable answer.
        """
        host = self._host(url)
        async with host.turn:
            self._open(host, url)
            await self._clock.sleep(host.free_at - self._clock.monotonic())
            try:
                reply = await self._http.request(
                    method,
                    url,
                    headers=[("User-Agent", self.user_agent), *headers],
                    body=body,
                    deadline_s=deadline_s,
                    max_bytes=max_bytes,
                    redirects=_REDIRECTS if method in {"GET", "HEAD"} else 0,
                )
            finally:
                distance_s = max(self._distance_s, host.delay_s)
                host.free_at = self._clock.monotonic() + distance_s
            self._heed(host, reply, busy)
        return reply

    async def obey(self, url: str) -> None:
        """See whether robots.txt allows a page.

        Raises:
            PollError: it does not, or cannot be read.
        """
        host = self._host(url)
        if host.rules is None or self._clock.monotonic() >= host.rules_until:
            host.rules = await self._rules(url)
            host.rules_until = self._clock.monotonic() + ROBOTS_S
            host.delay_s = host.rules.delay_s(AGENT)
        if not host.rules.allow(url, AGENT):
            why = host.rules.refused or "its robots.txt forbids it"
            raise PollError(f"{shown(url)} was not asked: {why}.")

    async def close(self) -> None:
        """Give connections back."""
        await self._http.close()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return self._clock.monotonic()

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """Read an answer in a thread, one at a time: what is large takes a second, and memory."""
        async with self._reading:
            return await asyncio.to_thread(function, *args)

    async def _rules(self, url: str) -> Rules:
        place = str(URL(url).with_path("/robots.txt").with_query(None).with_fragment(None))
        try:
            reply = await self.ask(
                "GET", place, deadline_s=_ROBOTS_DEADLINE_S, max_bytes=MAX_ROBOTS_BYTES
            )
        except HttpError as exc:
            return rules_of(exc)
        return await self.read(rules_of, reply)

    def _host(self, url: str) -> _Host:
        name = shown(url)
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        if len(self._hosts) > _MOST_HOSTS:
            oldest = next(iter(self._hosts))
            if not self._hosts[oldest].turn.locked():
                del self._hosts[oldest]
        return host

    def _open(self, host: _Host, url: str) -> None:
        left_s = host.closed_until - self._clock.monotonic()
        if left_s > 0:
            raise ThrottledError(
                f"{shown(url)} has asked for {left_s:.0f} s more of rest.", after_s=left_s
            )

    def _heed(self, host: _Host, reply: Reply, busy: Collection[int]) -> None:
        if reply.status not in busy:
            return
        wait_s = retry_after_s(reply.headers.get("Retry-After", ""), self._clock.now())
        if wait_s is None and reply.status != TOO_MANY:
            return  # it is in trouble, and says nothing more
        wait_s = _DEFAULT_WAIT_S if wait_s is None else wait_s
        host.closed_until = self._clock.monotonic() + wait_s
        raise ThrottledError(
            f"{shown(reply.url)} answers with {reply.status}: not for {wait_s:.0f} s.",
            after_s=wait_s,
        )


def retry_after_s(said: str, now: datetime) -> float | None:
    """A Retry-After in seconds, at most a day; None if there is none."""
    said = said.strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), MAX_WAIT_S)
    at = moment(said)
    return None if at is None else min(max((at - now).total_seconds(), 0.0), MAX_WAIT_S)


def shown(url: str) -> str:
    """Where a URL leads, as it may stand in a sentence: secrets stand in its path and query."""
    try:
        return where(URL(url))
    except (ValueError, TypeError):
        return "?"


def _version() -> str:
    try:
        return version("streamagents")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
