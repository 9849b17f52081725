"""`Http`: one request, its redirects and its answer, within one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping  # noqa: TC003 - part of a public dataclass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from multidict import CIMultiDict

from streamagents.errors import TooLargeError
from streamagents.net.addresses import is_address
from streamagents.net.body import ACCEPTED, Body
from streamagents.net.dialling import check_addresses, connector, resolve_with_system
from streamagents.net.hosts import host_and_port
from streamagents.net.journey import Journey, checked_headers, failure, late
from streamagents.net.target import check_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ssl import SSLContext
    from types import TracebackType

    from yarl import URL

    from streamagents.net.dialling import Resolve
    from streamagents.net.hosts import Hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    """Found by name in any case; of a repeated one the first."""
    body: bytes = field(repr=False)
    """Unpacked."""
    url: str = field(repr=False)
    """Who gave it, after redirects."""


class Http:
    """A client that dials checked addresses, keeps no cookies and asks no proxy.

    ```python
    async with Http() as http:
        reply = await http.request("GET", "https://example.com", deadline_s=15, max_bytes=2 << 20)
    ```

    Args:
        private: exact `host:port` that are open though their addresses are private.
        resolve: instead of the system's resolver.
        tls: instead of the system's authorities.

    Raises:
        ConfigurationError: an entry of `private` is no host:port.
    """

    def __init__(
        self,
        *,
        private: Iterable[str] = (),
        resolve: Resolve = resolve_with_system,
        tls: SSLContext | None = None,
    ) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened = frozenset(host_and_port(entry) for entry in private)
        self._resolve, self._tls = resolve, tls

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        # No connection outlives its request: there is nothing that aiohttp had to warn of.
        if self._session is not None:
            self._session.detach()

    async def close(self) -> None:
        """Give everything back. A later request begins anew."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()
        elif session is not None:
            session.detach()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        deadline_s: float,
        max_bytes: int,
        redirects: int = 0,
        hosts: Hosts | None = None,
    ) -> Reply:
        """Ask once, and follow redirects. Any status is an answer.

        Args:
            method: as it stands on the wire.
            url: http or https.
            headers: sent along; to another origin only those that cannot be secret.
            body: sent along.
            deadline_s: seconds for everything, from the name's resolution to the last byte.
            max_bytes: the unpacked body may have so many.
            redirects: followed so many times; only GET and HEAD are.
            hosts: the allow-list, for each hop; None allows every public host.

        Raises:
            NotReachedError: surely nothing was sent.
            AddressRefusedError: the URL or a redirect leads to where it must not.
            HttpDeadlineError: it took too long.
            TooLargeError: the answer is too large.
            HttpError: there is no usable answer for another reason.
            ValueError: the method or a header is none, or such a method is not redirected.
        """
        journey = Journey(
            method=method,
            url=check_url(url, hosts),
            headers=checked_headers(method, headers, redirects=redirects),
            body=body,
            max_bytes=max_bytes,
            redirects=redirects,
            hosts=hosts,
        )
        try:
            async with asyncio.timeout(deadline_s):
                return await self._travel(journey)
        except TimeoutError:
            told = late(journey, deadline_s)
        except (aiohttp.ClientError, OSError) as exc:
            told = failure(journey, exc)
        raise told  # out here, without its cause: the errors of aiohttp show the URL

    async def _travel(self, journey: Journey) -> Reply:
        while True:
            self._check_literal(journey.url)
            async with self._open().request(
                journey.method,
                journey.url,
                headers=CIMultiDict([*journey.headers, ("Accept-Encoding", ACCEPTED)]),
                data=journey.body,
                allow_redirects=False,
                trace_request_ctx=journey,
            ) as response:
                location = response.headers.get("Location")
                if location is None or journey.ends_with(response.status):
                    return await _read(journey, response)
            journey.go_on(location)

    def _check_literal(self, url: URL) -> None:
        """See to what aiohttp asks no resolver for: it is an address already."""
        host, port = url.raw_host or "", url.port or 0
        if is_address(host):
            check_addresses(host, port, [host], self._opened)

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is loop:
            return self._session
        if self._session is not None:
            self._session.detach()  # its loop is gone, and with it its connections
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(_connected)
        self._loop = loop
        self._session = aiohttp.ClientSession(
            connector=connector(self._resolve, self._opened, self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "streamagents"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # ours counts
            auto_decompress=False,  # aiohttp would unpack a bomb
            trust_env=False,
            trace_configs=[tracing],
        )
        return self._session


async def _connected(_session: aiohttp.ClientSession, context: Any, _told: Any) -> None:
    context.trace_request_ctx.connected = True


async def _read(journey: Journey, response: aiohttp.ClientResponse) -> Reply:
    bare = journey.method == "HEAD"
    if not bare and (response.content_length or 0) > journey.max_bytes:
        raise TooLargeError(f"{journey.who} announces more than {journey.max_bytes} bytes.")
    encoding = "" if bare else response.headers.get("Content-Encoding", "")
    body = Body(journey.who, encoding, journey.max_bytes)
    async for chunk in response.content.iter_any():
        body.feed(chunk)
    return Reply(
        status=response.status,
        headers=response.headers,
        body=body.whole(),
        url=str(journey.url),
    )
