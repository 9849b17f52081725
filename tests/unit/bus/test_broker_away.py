from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import KafkaAdmin, KafkaBus, TopicReader
from streamagents.errors import BrokerUnavailableError
from support import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Client = Callable[[str, float], Any]

CLIENTS = [
    pytest.param(lambda address, time_s: KafkaBus(address, timeout_s=time_s), id="bus"),
    pytest.param(lambda address, time_s: KafkaAdmin(address, timeout_s=time_s), id="admin"),
    pytest.param(
        lambda address, time_s: TopicReader(address, ["t"], timeout_s=time_s), id="reader"
    ),
]


@asynccontextmanager
async def listener(*, hangs_up: bool) -> AsyncIterator[str]:
    """A server that is no broker: it never says anything."""
    gone = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not hangs_up:
            await gone.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
        gone.set()


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_refused_connection_is_told_at_once(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"

    with pytest.raises(
        BrokerUnavailableError, match=f"No Kafka broker can be reached at {address}"
    ):
        async with client(address, 60):
            pass


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_broker_that_says_nothing_is_given_up_in_time(client: Client) -> None:
    async with listener(hangs_up=False) as address:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailableError, match=r"did not answer within 0\.3 s"):
            async with client(address, 0.3):
                pass

    assert time.monotonic() - began < 3


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_server_that_hangs_up_is_no_broker(client: Client) -> None:
    async with listener(hangs_up=True) as address:
        with pytest.raises(BrokerUnavailableError, match=address):
            async with client(address, 5):
                pass


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_host_that_does_not_exist_is_told(client: Client) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"nowhere\.invalid:9092"):
        async with client("nowhere.invalid:9092", 5):
            pass


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_failed_start_leaves_nothing_running(client: Client) -> None:
    async with listener(hangs_up=False) as address:
        before = asyncio.all_tasks()
        with pytest.raises(BrokerUnavailableError):
            async with client(address, 0.2):
                pass
        await wait_until_async(lambda: asyncio.all_tasks() - before <= served())


def served() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "serve" in repr(task.get_coro())}
