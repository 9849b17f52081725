"""Hosting: the gateway and the file watcher beside a worker, in one process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from streamagents.bus import LastingBus
from streamagents.runtime.folders import folders_of, ledgers_of, watch_folders
from streamagents.runtime.gateway import DELIVERY_S, build_gateway
from streamagents.triggers.gateway.keeper import Keeper
from streamagents.triggers.gateway.server import GatewayServer

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from streamagents.runtime.app import StreamApp

_STOP_S = 5.0


@asynccontextmanager
async def hosted_gateway(app: StreamApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve HTTP for an application from entry to exit.

    Args:
        app: the application, with its settings.
        listener: where to serve.

    Raises:
        ConfigurationError: tokens, hooks and settings do not go together.
    """
    bus = LastingBus(app.settings.bootstrap, timeout_s=DELIVERY_S)
    keeper = Keeper(bus, wait_s=DELIVERY_S, most=app.settings.gateway_in_flight)
    server = GatewayServer(build_gateway(app, keeper, lambda: bus.is_reachable), signals=False)
    async with bus:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.stop()
            await asyncio.wait([serving], timeout=_STOP_S)
            serving.cancel()
            await keeper.close()


@asynccontextmanager
async def hosted_folders(app: StreamApp) -> AsyncIterator[None]:
    """Watch an application's folders from entry to exit, and forget what was sent of them.

    Raises:
        ConfigurationError: a folder cannot be watched.
    """
    folders = list(folders_of(app).values())
    watching = asyncio.create_task(watch_folders(app, folders))
    try:
        yield
    finally:
        watching.cancel()
        # What it could not do was logged; nothing is lost, for its files are still there.
        with suppress(asyncio.CancelledError):
            await watching
        for folder in folders:
            for ledger in ledgers_of(app, folder):
                ledger.unlink(missing_ok=True)
