"""An HTTP server that does what it is told, on the bytes: well, badly, or never."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext
    from types import TracebackType


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case names; of a repeated one all values, with commas."""
    body: bytes = b""


Writer = asyncio.StreamWriter
Behaviour = Callable[[Asked, Writer], Awaitable[None]]
"""Answers one request; the connection is closed after it."""


@dataclass
class HttpPeer:
    """`async with HttpPeer() as peer:` on a free loopback port; paths it does not know are 404."""

    tls: SSLContext | None = None
    at: int = 0
    """A port of one's own choice."""
    requests: list[Asked] = field(default_factory=list)
    connections: int = 0
    _paths: dict[str, Behaviour] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def on(self, path: str, behaviour: Behaviour) -> str:
        """Behave like this there; the whole URL. `*` is every other path."""
        self._paths[path] = behaviour
        return self.url(path)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def host(self) -> str:
        """As it is opened, `host:port`."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.at, ssl=self.tls
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._open.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")[:-2]
        method, path, _ = first.split(" ")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            before = headers.get(name.lower())
            headers[name.lower()] = value.strip() if before is None else f"{before},{value.strip()}"
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, path, headers, body)
        self.requests.append(asked)
        bare = path.partition("?")[0]
        behaviour = self._paths.get(bare) or self._paths.get("*") or reply(404)
        await behaviour(asked, writer)
        await writer.drain()


def reply(
    status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """A proper answer; a Content-Length of your own replaces the right one."""
    told = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return raw(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def raw(data: bytes) -> Behaviour:
    """These bytes, and the connection ends."""

    async def behave(asked: Asked, writer: Writer) -> None:
        writer.write(data)

    return behave


def redirect(to: str, status: int = 302) -> Behaviour:
    return reply(status, headers={"Location": to})


def silent() -> Behaviour:
    """Takes the request and says nothing, for ever."""

    async def behave(asked: Asked, writer: Writer) -> None:
        await asyncio.Event().wait()

    return behave


def dripping(head: bytes, drop: bytes = b"x", every_s: float = 0.02) -> Behaviour:
    """Begins, and goes on drop by drop, for ever."""

    async def behave(asked: Asked, writer: Writer) -> None:
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


def endless(head: bytes, block: bytes = b"x" * 65_536) -> Behaviour:
    """As much as the other side takes, for ever."""

    async def behave(asked: Asked, writer: Writer) -> None:
        writer.write(head)
        while True:
            writer.write(block)
            await writer.drain()

    return behave


def bomb(unpacked_bytes: int) -> Behaviour:
    """A small body that unpacks to a large one."""
    return reply(200, gzip.compress(bytes(unpacked_bytes)), {"Content-Encoding": "gzip"})


def reset() -> Behaviour:
    """Takes the request and drops the connection."""

    async def behave(asked: Asked, writer: Writer) -> None:
        writer.transport.abort()

    return behave
