"""`deploy/alive.py`: whether it tells the living from the dead and the frozen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.sockets import free_port
from support.commands import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.devkit.broker import EmbeddedBroker

SCRIPT = CHECKOUT / "deploy" / "alive.py"


def alive(*arguments: str, **settings: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if "STREAMAGENTS" not in name}
    done = subprocess.run(
        [sys.executable, "-IS", SCRIPT, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, **{f"STREAMAGENTS_{name}": value for name, value in settings.items()}},
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@contextmanager
def serving(*statuses: int, body: bytes = b'{"status": "ok"}') -> Iterator[str]:
    """A server that answers with these, one after the other, and the last for ever; its port."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status if self.path == "/live" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize(
    ("what", "setting"),
    [
        ("worker", "WEB_PORT"),
        ("gateway", "GATEWAY_PORT"),
        ("watch", "WATCH_PORT"),
        ("bridge", "BRIDGE_PORT"),
    ],
)
@pytest.mark.parametrize("bind", ["", "127.0.0.1", "0.0.0.0"])
def test_whoever_answers_on_live_is_alive(what: str, setting: str, bind: str) -> None:
    with serving(200) as port:
        assert alive(what, **{setting: port, "BIND": bind}) == (0, "")


def test_one_that_says_no_is_not_alive() -> None:
    with serving(503) as port:
        code, said = alive("worker", WEB_PORT=port)
    assert (code, said) == (1, f"The worker is not alive: /live on port {port} says 503.\n")


def test_nobody_there_is_a_sentence() -> None:
    assert alive("worker", WEB_PORT=str(free_port())) == (
        1,
        "The worker is not alive: Connection refused.\n",
    )


def test_it_asks_again_if_told_to() -> None:
    with serving(503, 200) as port:
        assert alive("worker", "--tries", "2", "--every", "0", WEB_PORT=port) == (0, "")


def test_what_takes_connections_and_never_answers_is_not_alive() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = str(frozen.getsockname()[1])
        code, said = alive("broker", KAFKA_PORT=port)
    assert (code, said) == (1, "The broker is not alive: no answer within 5 s.\n")


def test_what_speaks_something_else_is_no_broker() -> None:
    with serving(200) as port:
        code, said = alive("broker", KAFKA_PORT=port)
    assert code == 1
    assert said.startswith("The broker is not alive: ")
    with serving(200) as port:
        assert alive("worker", WEB_PORT=port)[0] == 0


def test_a_page_of_somebody_else_is_no_sign_of_life() -> None:
    with serving(200, body=b"<!doctype html><p>Welcome!") as port:
        code, said = alive("worker", WEB_PORT=port)
    assert (code, said) == (1, f"The worker is not alive: something else serves port {port}.\n")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nx-drip: "])
def test_an_answer_that_drips_is_waited_for_no_longer_than_any_other(first: bytes) -> None:
    with dripping(first) as port:
        began = time.monotonic()
        code, said = alive("worker", WEB_PORT=port)
    assert (code, said) == (1, "The worker is not alive: no answer within 5 s.\n")
    assert time.monotonic() - began < 20


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """A server whose answer never stops to come."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.sendall(first)
                while not over.wait(0.5):
                    connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            yield str(server.getsockname()[1])
        finally:
            over.set()
            thread.join(10)


@pytest.mark.parametrize("bind", ["no such host", "a..b", "nowhere.invalid"])
def test_an_address_that_is_none_is_a_sentence(bind: str) -> None:
    code, said = alive("gateway", BIND=bind, GATEWAY_PORT="8080")
    assert code == 1
    assert said.startswith("The gateway is not alive: ")
    assert said.count("\n") == 1


@pytest.mark.kafka
def test_a_broker_is_alive(broker: EmbeddedBroker) -> None:
    assert alive("broker", KAFKA_PORT=str(broker.port)) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("kafka",),
        ("worker", "--tries", "x"),
        ("worker", "--tries", "0"),
        ("worker", "--every", "-1"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    code, said = alive(*arguments)
    assert (code, "Traceback" in said) == (2, False)


@pytest.mark.parametrize("port", ["none", "70000", "-1", "off"])
def test_what_is_no_port_is_exit_code_2(port: str) -> None:
    assert alive("worker", WEB_PORT=port) == (2, "STREAMAGENTS_WEB_PORT is no port.\n")
