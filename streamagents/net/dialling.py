"""Dialling: a name is resolved once, what it leads to is checked, and that is what is dialled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from streamagents.errors import AddressRefusedError
from streamagents.net.addresses import kind_of
from streamagents.net.hosts import plain

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from ssl import SSLContext

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A name and a port to addresses. Raises OSError where there are none."""

Opened = frozenset[tuple[str, int]]
"""Private hosts that are open, by name and port."""

_SHOWN_CHARS = 100
_CONNECTIONS = 100
"""At once, of one client; the rest wait, within their deadlines."""


async def resolve_with_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def check_addresses(host: str, port: int, addresses: Sequence[str], opened: Opened) -> None:
    """See that all of a host's addresses may be dialled.

    One that may not spoils the others: who answers with both is trying something.

    Raises:
        AddressRefusedError: one of them may not.
    """
    is_open, shown = (plain(host), port) in opened, host[:_SHOWN_CHARS]
    for kind in map(kind_of, addresses):
        if kind == "never":
            raise AddressRefusedError(
                f"{shown} leads to an address that is never open: link-local, multicast, reserved.",
                code="private_address",
            )
        if kind == "private" and not is_open:
            raise AddressRefusedError(
                f"{shown} leads to a private address; STREAMAGENTS_ALLOW_PRIVATE_HOSTS opens "
                "single ones.",
                code="private_address",
            )


def connector(resolve: Resolve, opened: Opened, tls: SSLContext | None) -> TCPConnector:
    """A connector that dials checked addresses only, and each time anew.

    A connection that is kept may be closed by its peer at the moment it is used, and then nobody
    knows whether the request got through.
    """
    ports = {port for _, port in opened}
    return TCPConnector(
        resolver=_CheckedResolver(resolve, opened),
        use_dns_cache=False,
        force_close=True,
        limit=_CONNECTIONS,
        ssl=True if tls is None else tls,
        socket_factory=lambda info: _socket(info, ports),
    )


class _CheckedResolver(AbstractResolver):
    def __init__(self, resolve: Resolve, opened: Opened) -> None:
        self._resolve, self._opened = resolve, opened

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family  # both kinds are asked for
        addresses = list(dict.fromkeys(await self._resolve(host, port)))
        if not addresses:
            raise OSError("no address")
        check_addresses(host, port, addresses, self._opened)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _socket(info: Any, ports: AbstractSet[int]) -> socket.socket:
    """The last fence: no socket for an address that no check can have let pass.

    Raises:
        AddressRefusedError: it is one.
    """
    family, kind, proto, _, address = info
    reach = kind_of(str(address[0]))
    if reach == "never" or (reach == "private" and address[1] not in ports):
        raise AddressRefusedError(
            "A connection to a private address was about to be made.", code="private_address"
        )
    made = socket.socket(family, kind, proto)
    made.settimeout(0)  # the loop waits, not the socket
    return made
