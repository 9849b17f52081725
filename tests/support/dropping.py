"""A proxy that drops a connection when it hears a word."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class DroppingProxy:
    """While it is armed, the word of a client ends its connection."""

    port: int = 0
    armed: bool = False


@asynccontextmanager
async def dropping_proxy(to: int, word: bytes, *, arrives: bool) -> AsyncIterator[DroppingProxy]:
    """Stand before a loopback port. `arrives`: the word still gets through, its answer does not."""
    proxy, tasks = DroppingProxy(), set[asyncio.Task[Any]]()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", to)
        back = asyncio.ensure_future(_copy(server_reader, writer))
        tasks.add(back)
        while data := await reader.read(65_536):
            heard = proxy.armed and word in data
            if heard:
                back.cancel()
            if arrives or not heard:
                server_writer.write(data)
                await server_writer.drain()
            if heard:
                break
        server_writer.close()
        with suppress(OSError):
            await server_writer.wait_closed()
        writer.transport.abort()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            await forward(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
