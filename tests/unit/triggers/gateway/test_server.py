"""The server, over real sockets: what a slow, a rude and a crowded network can do to it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import aiohttp
import pytest

from streamagents.errors import ConfigurationError
from streamagents.runtime.gateway import listening
from streamagents.triggers.gateway.server import BoundedProtocol, GatewayServer
from streamagents.triggers.gateway.service import Limits
from support import wait_until_async
from support.gateway import TestGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamagents.ports import Outgoing, Position

ANN = {"email": "ann@example.com"}
HEAD = b"POST /events/lead HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def served(gateway: TestGateway) -> AsyncIterator[tuple[int, GatewayServer]]:
    """The gateway's port, and its server."""
    with listening("127.0.0.1", 0) as listener:
        server = GatewayServer(gateway.app)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await wait_until_async(lambda: server.started)
        try:
            yield int(listener.getsockname()[1]), server
        finally:
            server.stop()
            await asyncio.wait_for(serving, 30)


async def ended_after(reader: asyncio.StreamReader, began: float) -> float:
    """Seconds until the other side has closed, whatever it says."""
    try:
        while await asyncio.wait_for(reader.read(4096), 20):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_s", 0.3)


async def test_events_come_over_one_connection() -> None:
    gateway = TestGateway()
    async with served(gateway) as (port, _), aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.post(f"http://localhost:{port}/events/lead", json=ANN) as answer:
                assert answer.status == 202
                assert "server" not in answer.headers
    assert len(gateway.written("lead")) == 3


@pytest.mark.parametrize("first", [b"", b"P", HEAD])
async def test_a_head_that_drips_is_cut_off(short: None, first: bytes) -> None:
    async with served(TestGateway()) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        writer.write(first)

        async def drip() -> None:
            while first:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert 0.2 < await ended_after(reader, began) < 5
        dripping.cancel()
        writer.close()


async def test_a_second_head_that_drips_is_cut_off_too(short: None) -> None:
    async with served(TestGateway()) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await reader.readline()
        began = time.monotonic()
        writer.write(b"GET /li")

        assert await ended_after(reader, began) < 5
        writer.close()


async def test_a_body_that_drips_is_answered_with_408_and_cut_off() -> None:
    async with served(TestGateway(limits=Limits(body_s=0.2))) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")

        assert b"408" in await asyncio.wait_for(reader.readline(), 10)
        assert await ended_after(reader, began) < 10
        writer.close()


async def test_a_body_too_large_is_told_so_although_it_comes_all_the_same() -> None:
    async with served(TestGateway()) as (port, _), aiohttp.ClientSession() as session:
        url = f"http://localhost:{port}/events/lead"
        async with session.post(url, data=BytesIO(bytes(3 << 20))) as answer:
            assert answer.status == 415
        headers = {"Content-Type": "application/json"}
        async with session.post(url, data=BytesIO(bytes(3 << 20)), headers=headers) as answer:
            assert answer.status == 413


async def test_who_asks_before_it_sends_is_refused_before() -> None:
    async with served(TestGateway()) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")

        assert b"413" in await asyncio.wait_for(reader.readline(), 10)
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"POST /events/lead HTTP/1.1\r\n" + b"X: y\r\n" * 5000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /events/lead HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_cut_off(head: bytes) -> None:
    gateway = TestGateway()
    async with served(gateway) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)

        said = await asyncio.wait_for(reader.read(100), 10)
        writer.close()

    assert said == b"" or b" 400 " in said
    assert gateway.told.answers == []


async def test_a_connection_too_many_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 2)
    async with served(TestGateway()) as (port, _):
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        said = await asyncio.wait_for(reader.read(), 10)
        for _, one in [*kept, (reader, writer)]:
            one.close()

    assert said.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 2" in said


async def test_who_does_not_read_its_answer_loses_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BoundedProtocol, "linger_s", 0.2)
    async with served(TestGateway()) as (port, server):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n"
        writer.write((ask + b"\r\n") * 500 + ask + b"Connection: close\r\n\r\n")
        await wait_until_async(lambda: server.server_state.connections)

        await wait_until_async(lambda: not server.server_state.connections, 20)
        writer.close()


class Held:
    """A bus whose acknowledgement comes when the test says so."""

    def __init__(self, inner: TestGateway) -> None:
        self.inner, self.go, self.asked = inner, asyncio.Event(), asyncio.Event()

    async def send(self, record: Outgoing) -> Position:
        self.asked.set()
        await self.go.wait()
        return await self.inner.bus.send(record)


async def test_what_was_taken_is_answered_before_it_ends() -> None:
    held = Held(TestGateway())
    async with aiohttp.ClientSession() as session:
        async with served(TestGateway(bus=held)) as (port, server):
            url = f"http://localhost:{port}/events/lead"
            asked = asyncio.create_task(session.post(url, json=ANN))
            await held.asked.wait()
            server.stop()
            await wait_until_async(lambda: not any(one.is_serving() for one in server.servers))
            held.go.set()
        answer = await asked
    assert answer.status == 202
    assert answer.headers["connection"] == "close"  # or its next request would meet a closed door


async def test_who_keeps_a_connection_is_answered_once_more_and_sent_away() -> None:
    body = b'{"email": "ann@example.com"}'
    ask = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    async with served(TestGateway()) as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ask)
        first = await asyncio.wait_for(reader.readuntil(b'"type":"lead"}'), 10)
        server.stop()
        await wait_until_async(lambda: not any(one.is_serving() for one in server.servers))
        writer.write(ask)
        last = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    assert b"connection: close" not in first
    assert last.startswith(b"HTTP/1.1 202")
    assert b"connection: close" in last.lower()


async def test_who_is_silent_does_not_hold_the_end_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "last_s", 0.2)
    async with served(TestGateway()) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"}"), 10)
        began = time.monotonic()

    assert time.monotonic() - began < 5
    writer.close()


async def test_who_leaves_before_its_answer_and_asks_again_finds_it_kept() -> None:
    inner = TestGateway()
    held = Held(inner)
    body = b'{"email": "ann@example.com"}'
    async with served(TestGateway(bus=held)) as (port, server), aiohttp.ClientSession() as session:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"ce-id: 7\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await held.asked.wait()
        writer.close()
        await wait_until_async(lambda: not server.server_state.connections)
        held.go.set()
        await wait_until_async(lambda: not server.server_state.tasks)
        url, told = f"http://localhost:{port}/events/lead", {"ce-id": "7"}
        async with session.post(url, json=ANN, headers=told) as answer:
            assert answer.status == 202

    assert len(inner.written("lead")) == 1


async def test_who_is_not_sure_and_asks_again_soon_finds_it_kept_and_another_event_is_another() -> (
    None
):
    gateway = TestGateway()
    for body in (ANN, ANN, {**ANN, "company": "Nordwind"}, ANN):
        answer = await gateway.post("/events/lead", body, ("ce-id", "7"))
        assert answer.status == 202

    assert [json.loads(record.value or b"") for record in gateway.written("lead")] == [
        ANN,
        {**ANN, "company": "Nordwind"},
    ]


async def test_who_leaves_in_the_middle_of_a_body_that_is_refused_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its traceback would be 4 kB in the log for each of a stranger's requests."""
    gateway = TestGateway()
    async with served(gateway) as (port, server):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            HEAD.replace(b"/events/lead", b"/hooks/nobody") + b"Content-Length: 9\r\n\r\n{"
        )
        await wait_until_async(lambda: gateway.told.answers)
        writer.close()
        await wait_until_async(lambda: not server.server_state.tasks)

    assert gateway.told.answers == [("unknown", 404)]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_body_of_two_lengths_is_refused_and_nothing_behind_it_is_read() -> None:
    gateway = TestGateway()
    smuggled = HEAD + b"Content-Length: 2\r\n\r\n{}"
    async with served(gateway) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lengths = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(HEAD + lengths + b"0\r\n\r\n" + smuggled)

        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1") == 1
    assert gateway.told.answers == [("events", 400)]


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with (
        listening("127.0.0.1", 0) as taken,
        pytest.raises(ConfigurationError, match="STREAMAGENTS_GATEWAY_PORT"),
    ):
        listening("127.0.0.1", taken.getsockname()[1])
