"""Asking another process how it is: every way in which it may not answer, within its bound."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.sockets import free_port
from streamagents.ops.pages import Page
from streamagents.ops.server import PageServer
from streamagents.runtime.announcing import announce, announced, this_process
from streamagents.runtime.asking import ask_health, is_here, reached_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.runtime.asking import Answer


def asked(port: int, host: str = "127.0.0.1", timeout_s: float = 5.0) -> Answer:
    return asyncio.run(ask_health(host, port, timeout_s))


def serving(body: bytes, status: int = 200) -> Iterator[int]:
    server = PageServer({"/health": lambda: Page(status, body)}, host="127.0.0.1", port=0)
    yield server.start()
    server.stop()


@pytest.mark.parametrize("status", [200, 503])
def test_what_it_says_is_taken_whatever_its_status(status: int) -> None:
    for port in serving(b'{"status": "stale", "reason": "waits"}', status):
        answer = asked(port)

    assert (answer.kind, answer.said["reason"]) == ("answered", "waits")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"no JSON", b"\xff", b'"status"'])
def test_what_is_no_report_is_no_process_of_ours(body: bytes) -> None:
    for port in serving(body):
        answer = asked(port)

    assert (answer.kind, answer.said) == ("out_of_reach", {})


def test_who_takes_connections_and_says_nothing_is_silent_within_the_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        began = time.monotonic()
        answer = asked(frozen.getsockname()[1], timeout_s=0.3)

    assert answer.kind == "silent"
    assert time.monotonic() - began < 2


def test_who_is_frozen_for_so_long_that_no_connection_fits_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as frozen:
        port = frozen.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for peer in waiting:
            peer.settimeout(0)
            peer.connect_ex(("127.0.0.1", port))
        answer = asked(port, timeout_s=0.3)
        for peer in waiting:
            peer.close()

    assert answer.kind == "silent"


def test_who_drips_is_silent_within_the_bound() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.01)
        finally:
            writer.transport.abort()

    async def ask() -> Answer:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            return await ask_health("127.0.0.1", server.sockets[0].getsockname()[1], 0.3)

    assert asyncio.run(ask()).kind == "silent"


def test_where_nobody_listens_it_is_gone() -> None:
    assert asked(free_port()).kind == "gone"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70, "203.0.113.9"])
def test_where_there_is_no_way_it_is_out_of_reach(host: str) -> None:
    assert asked(9, host, timeout_s=1.0).kind == "out_of_reach"


@pytest.mark.parametrize(
    ("bound", "seen_at", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", ""),  # of another machine
        ("localhost", "203.0.113.9", ""),
        ("localhost", "127.0.0.1", "localhost"),
        ("0.0.0.0", "10.1.2.3", "10.1.2.3"),
        ("::", "10.1.2.3", "10.1.2.3"),
        ("10.9.9.9", "10.1.2.3", "10.9.9.9"),
        ("worker-1.internal", "10.1.2.3", "worker-1.internal"),
    ],
)
def test_a_worker_is_asked_where_it_can_be_reached_from_here(
    bound: str, seen_at: str, expected: str
) -> None:
    assert reached_by(bound, seen_at) == expected


def test_an_address_of_another_machine_is_not_here() -> None:
    assert is_here("127.0.0.1")
    assert not is_here("203.0.113.9")
    assert not is_here("nonsense")


class Conf:
    canonical_url: object = None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "worker-1.internal"])
@pytest.mark.parametrize("port", [6066, 0, 80])
def test_what_was_announced_is_read_again(host: str, port: int) -> None:
    conf = Conf()
    announce(conf, host, port)

    told = announced(b'{"url": "%s", "assignment": {}}' % str(conf.canonical_url).encode())

    assert told is not None
    assert (told.worker, told.host, told.port) == (this_process(), host, port)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b'{"url": 7}',
        b'{"url": "http://h:6066"}',
        b'{"url": "http://h:x/?worker=a"}',
    ],
)
def test_what_no_worker_of_ours_told_is_nothing(data: bytes) -> None:
    assert announced(data) is None
