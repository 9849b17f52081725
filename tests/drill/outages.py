"""Outages of a broker, as a worker and a gateway tell of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import aiohttp

from drill.ward import Row
from support.gateway_process import GatewayProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from drill.ward import Bed
    from drill.watcher import Watcher
    from streamagents.devkit.broker import EmbeddedBroker

REFUSES = "StreamagentsGatewayRefuses"
_SAID_S, _OVER_S = 150.0, 400.0


@contextlib.asynccontextmanager
async def gateway(
    broker: EmbeddedBroker, folder: Path, watcher: Watcher, port: int
) -> AsyncIterator[Watcher]:
    """A gateway, to which somebody posts all the time."""
    here = {"STREAMAGENTS_GATEWAY_PORT": str(port)}
    process = GatewayProcess(broker.address, folder, env=here)
    process.port = port
    await asyncio.to_thread(process.__enter__)
    posting = asyncio.create_task(_post(process.url))
    try:
        yield watcher
    finally:
        posting.cancel()
        await asyncio.wait([posting])
        process.__exit__(None, None, None)


async def _post(url: str) -> None:
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        tasks = set()
        for number in range(100_000):
            task = asyncio.create_task(_one(session, f"{url}/events/ping", number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(1)


async def _one(session: aiohttp.ClientSession, url: str, number: int) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with session.post(url, json={"who": f"k{number}"}) as answer:
            await answer.read()


async def both(broker: EmbeddedBroker, one: Bed, watcher: Watcher) -> list[Row]:
    """A broker that is killed, and one that is frozen."""
    rows = await _outage("the broker killed", broker.kill, broker.start, one, watcher)
    return [*rows, *await _outage("the broker frozen", broker.freeze, broker.thaw, one, watcher)]


async def _outage(
    what: str, hurt: Callable[[], Any], heal: Callable[[], Any], one: Bed, watcher: Watcher
) -> list[Row]:
    """Two rows: what the worker says, and what the gateway does."""
    began, gate = time.monotonic(), Row(fault=f"{what}: the gateway", alert=REFUSES)
    ended = 0.0

    async def begin() -> None:
        nonlocal began
        began = time.monotonic()
        await asyncio.to_thread(hurt)

    async def mend() -> None:
        nonlocal ended
        await one.until(lambda: _refuses(watcher, began) is not None, _SAID_S)
        ended = time.monotonic()
        await asyncio.to_thread(heal)

    row = await one.measure(
        what, begin, mend, alert="StreamagentsStuck", words=("stuck",), over_s=180
    )
    gate.fired = _refuses(watcher, began)
    gate.pages = {
        "/health": watcher.says("gateway", "/health", "waiting", since=began),
        "/ready": watcher.says("gateway", "/ready", "not ready", since=began),
    }
    await one.until(lambda: _refuses(watcher, ended, on=False) is not None, _OVER_S)
    gate.well = {
        "/health": watcher.says("gateway", "/health", "ok", since=ended),
        "/ready": watcher.says("gateway", "/ready", "ready", since=ended),
    }
    gate.ended = _refuses(watcher, ended, on=False)
    return [row, gate]


def _refuses(watcher: Watcher, since: float, *, on: bool = True) -> float | None:
    return watcher.fires("gateway", REFUSES, since=since, on=on)
