"""The server: it answers whatever comes in, from a thread of its own."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from streamagents.errors import ConfigurationError
from streamagents.ops.pages import Page
from streamagents.ops.server import PageServer

if TYPE_CHECKING:
    from collections.abc import Iterator


def broken() -> Page:
    raise ValueError("a secret payload")


@pytest.fixture
def port() -> Iterator[int]:
    pages = {
        "/live": lambda: Page(200, b'{"status": "ok"}'),
        "/long": lambda: Page(200, b"x" * (1 << 18)),
        "/broken": broken,
    }
    server = PageServer(pages, host="127.0.0.1", port=0)
    yield server.start()
    server.stop()
    server.stop()


def ask(port: int, method: str = "GET", path: str = "/live", body: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(port: int, sent: bytes) -> bytes:
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        got = b""
        try:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            while part := peer.recv(65_536):
                got += part
        except OSError:
            pass  # it may close at once
        return got


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/live", (200, b'{"status": "ok"}')),
        ("GET", "/live?verbose=1", (200, b'{"status": "ok"}')),
        ("HEAD", "/live", (200, b"")),
        ("GET", "/", (404, b'{"error": "there is /broken, /live, /long"}')),
        ("GET", "/../live", (404, b'{"error": "there is /broken, /live, /long"}')),
        ("POST", "/live", (405, b'{"error": "only GET and HEAD"}')),
        ("DELETE", "/live", (405, b'{"error": "only GET and HEAD"}')),
    ],
)
def test_pages_are_got_and_nothing_else(
    port: int, method: str, path: str, expected: tuple[int, bytes]
) -> None:
    assert ask(port, method, path) == expected


def test_a_page_with_a_defect_is_told_without_its_values(port: int) -> None:
    status, body = ask(port, path="/broken")

    assert status == 500
    assert b"payload" not in body
    assert ask(port)[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /live\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200),
        os.urandom(20_000),
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /live HTTP/1.1\r\n" + b"x: y\r\n" * 10_000 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /lïve HTTP/1.1\r\n\r\n".encode(),
    ],
)
def test_garbage_gets_an_error_or_nothing(port: int, sent: bytes) -> None:
    got = raw(port, sent)

    assert not got or got.split(b" ")[1] in {b"400", b"404"}
    assert ask(port)[0] == 200


def test_slow_peers_and_many_of_them_hold_nobody_up(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(90)]
    try:
        for peer in idle[:45]:
            peer.sendall(b"GET /live HT")
        began = time.monotonic()
        assert ask(port)[0] == 200
        assert time.monotonic() - began < 2
    finally:
        for peer in idle:
            peer.close()


def test_who_opens_more_than_it_serves_and_asks_nothing_keeps_nobody_out(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(400)]
    try:
        for peer in idle[::2]:
            peer.sendall(b"GET /live HTTP/1.1\r\nX: ")
        for _ in range(20):
            began = time.monotonic()
            assert ask(port)[0] == 200
            assert time.monotonic() - began < 2  # they would be waited for for 5 s
    finally:
        for peer in idle:
            peer.close()


def test_who_takes_no_answer_keeps_nobody_out(port: int) -> None:
    deaf = []
    try:
        for _ in range(300):
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            peer.connect(("127.0.0.1", port))
            peer.sendall(b"GET /long HTTP/1.1\r\n\r\n")
            deaf.append(peer)
        began = time.monotonic()
        assert ask(port)[0] == 200
        assert time.monotonic() - began < 4  # they would be waited for for 5 s
    finally:
        for peer in deaf:
            peer.close()


def test_two_hundred_that_ask_at_once_are_all_answered(port: int) -> None:
    peers = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
    for peer in peers:
        peer.sendall(b"GET /live HTTP/1.1\r\n\r\n")
    answers = []
    for peer in peers:
        with peer, peer.makefile("rb") as answer:
            answers.append(answer.readline())

    assert set(answers) == {b"HTTP/1.1 200 OK\r\n"}


def test_it_answers_while_another_thread_computes(port: int) -> None:
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1000))

    busy = threading.Thread(target=compute)
    busy.start()
    try:
        times = []
        for _ in range(20):
            began = time.monotonic()
            assert ask(port)[0] == 200
            times.append(time.monotonic() - began)
    finally:
        stop.set()
        busy.join()
    assert sorted(times)[10] < 0.3  # alone on the machine it is 0.03


def test_a_port_that_is_taken_is_one_sentence(port: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        PageServer({}, host="127.0.0.1", port=port).start()

    assert str(refused.value) == (
        f"127.0.0.1:{port} cannot be listened at (Address already in use): end what uses it, "
        "perhaps another process of ours, or set STREAMAGENTS_WEB_PORT to another port; 0 takes "
        "any that is free."
    )


@pytest.mark.parametrize("host", ["203.0.113.9", "no such host", "a" * 70, "a..b", "::2"])
def test_an_address_that_is_not_ours_is_one_sentence_that_names_the_setting(host: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be listened at") as refused:
        PageServer({}, host=host, port=0).start()

    assert "set STREAMAGENTS_BIND to an address that this machine has" in str(refused.value)


def test_it_may_be_stopped_as_soon_as_it_was_started() -> None:
    for _ in range(50):
        server = PageServer({}, host="127.0.0.1", port=0)
        server.start()
        server.stop()


def test_what_it_answers_slowly_does_not_hold_up_its_stop() -> None:
    server = PageServer({}, host="127.0.0.1", port=0)
    with socket.create_connection(("127.0.0.1", server.start())) as peer:
        peer.sendall(b"GET /")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2
