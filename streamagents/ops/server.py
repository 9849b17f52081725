"""The server: a few pages over HTTP, from a thread of its own.

It answers while the worker's event loop is busy, recovers, or is dead; that is what it is asked
about. So it is no web framework: a request line, a path, an answer, and the connection is closed.
Beside a busy event loop each time that it sleeps is a wait for its turn: it sleeps once a request.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import describe
from streamagents.ops.listening import listen_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.ops.health import Verdict

log = structlog.stdlib.get_logger("streamagents.ops")

_REQUEST_S = 5.0
"""From a connection to its whole request, and again for its whole answer."""
_MOST = 256
"""Connections at once. For one more the oldest is closed: an honest one lives for milliseconds, and
who opens many and lets them wait keeps nobody out."""
_LONGEST = 8192
"""Bytes of a request."""
_IN_THE_KERNEL = 1 << 16
"""Bytes of an answer on their way."""
_AT_ONCE = struct.pack("ii", 1, 0)
_STOP_S = 2.0
_REST_S = 0.05
"""Where the process has no file left for one more connection."""
_WORDS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
_WORDS |= {500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(slots=True)
class _Peer:
    """One connection."""

    until: float
    """Monotonic seconds."""
    heard: bytes = b""
    left: memoryview | None = None
    """Of its answer; None while it asks."""


class PageServer:
    """Serves pages from a thread of its own.

    Args:
        pages: by path, what makes them; called in the server's thread, and quick.
        host: the address to listen at.
        port: 0 is any that is free.
        setting: what names the port, for the error's sentence.
    """

    def __init__(
        self,
        pages: Mapping[str, Callable[[], Page]],
        *,
        host: str,
        port: int,
        setting: str = "STREAMAGENTS_WEB_PORT",
    ) -> None:
        self._pages, self._host, self._port, self._setting = pages, host, port, setting
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._selector: selectors.BaseSelector
        self._peers: dict[socket.socket, _Peer] = {}
        """The oldest first."""

    def start(self) -> int:
        """Listen from here on; at which port.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        listening = listen_at(self._host, self._port, self._setting)
        listening.settimeout(0)
        # What nobody takes lies with us, where it is bounded, and not in the kernel.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _IN_THE_KERNEL)
        port = int(listening.getsockname()[1])
        self._waker, woken = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, args=(listening, woken), name="streamagents-web", daemon=True
        )
        self._thread.start()
        return port

    def stop(self) -> None:
        """Listen no more. May be called twice, and by one that never started."""
        waker, self._waker = self._waker, None
        if waker is None or self._thread is None:
            return
        waker.close()
        self._thread.join(_STOP_S)

    # -- the thread ------------------------------------------------------------------------------

    def _run(self, listening: socket.socket, woken: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, listening, woken:
            self._selector = selector
            selector.register(listening, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            try:
                while self._turn(listening, woken):
                    pass
            finally:
                for peer in list(self._peers):
                    self._give_up(peer)

    def _turn(self, listening: socket.socket, woken: socket.socket) -> bool:
        """Serve whoever is ready; whether to go on."""
        oldest = next(iter(self._peers.values()), None)
        wait_s = None if oldest is None else max(0.0, oldest.until - time.monotonic())
        for key, _ in self._selector.select(wait_s):
            if key.fileobj is woken:
                return False
            if key.fileobj is listening:
                self._accept(listening)
            elif key.fileobj in self._peers:  # not closed by one before it
                self._serve(key.fileobj)  # type: ignore[arg-type] # sockets alone are registered
        now = time.monotonic()
        for peer in [peer for peer, one in self._peers.items() if one.until <= now]:
            self._give_up(peer)
        return True

    def _accept(self, listening: socket.socket) -> None:
        """Let everybody in, and answer who has asked already."""
        while True:
            try:
                peer, _ = listening.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # it has gone again
            except OSError:
                self._close_the_oldest()
                time.sleep(_REST_S)
                return
            peer.settimeout(0)
            if len(self._peers) >= _MOST:
                self._close_the_oldest()
            self._peers[peer] = _Peer(time.monotonic() + _REQUEST_S)
            self._selector.register(peer, selectors.EVENT_READ)
            self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        one = self._peers[peer]
        try:
            if one.left is None:
                self._hear(peer, one)
            if one.left is not None:
                self._say(peer, one)
        except BlockingIOError:
            pass  # there is more to come, from it or to it
        except OSError:
            self._close(peer)  # a peer that is gone

    def _hear(self, peer: socket.socket, one: _Peer) -> None:
        part = peer.recv(_LONGEST)
        one.heard += part
        if b"\r\n\r\n" in one.heard:
            one.left = memoryview(self._answer(one.heard))
            one.until = time.monotonic() + _REQUEST_S
            self._peers[peer] = self._peers.pop(peer)  # the order is that of their ends
            self._selector.modify(peer, selectors.EVENT_WRITE)
        elif not part or len(one.heard) > _LONGEST:
            self._close(peer)  # it speaks something else; it gets nothing

    def _say(self, peer: socket.socket, one: _Peer) -> None:
        while one.left:
            one.left = one.left[peer.send(one.left) :]
        peer.shutdown(socket.SHUT_WR)
        # What was said beyond the request is taken, too: a close that leaves it takes the answer
        # back.
        with suppress(BlockingIOError):
            peer.recv(_LONGEST)
        self._close(peer)

    def _close_the_oldest(self) -> None:
        oldest = next(iter(self._peers), None)
        if oldest is not None:
            self._give_up(oldest)

    def _give_up(self, peer: socket.socket) -> None:
        """Close it, and forget what it did not take."""
        with suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._close(peer)

    def _close(self, peer: socket.socket) -> None:
        del self._peers[peer]
        self._selector.unregister(peer)
        peer.close()

    # -- one answer ------------------------------------------------------------------------------

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        path, _, version = rest.partition(" ")
        if not version.startswith("HTTP/1."):
            return _bytes(Page(400, b'{"error": "this is no request of HTTP/1.1"}'))
        if method not in {"GET", "HEAD"}:
            allow = {"Allow": "GET, HEAD"}
            return _bytes(Page(405, b'{"error": "only GET and HEAD"}'), allow)
        make = self._pages.get(path.partition("?")[0])
        if make is None:
            known = ", ".join(sorted(self._pages))
            return _bytes(Page(404, json.dumps({"error": f"there is {known}"}).encode()))
        return _bytes(self._made(make), head_only=method == "HEAD")

    def _made(self, make: Callable[[], Page]) -> Page:
        try:
            return make()
        except Exception as exc:  # a page with a defect is told, and the server goes on
            log.exception("page_failed", error=describe(exc))
            return Page(500, b'{"error": "this page has failed; see the log"}')


def verdict_page(verdict: Verdict, *, fine: bool) -> Page:
    """A verdict as an answer of its own."""
    body = json.dumps({"status": verdict.status, "reason": verdict.reason}).encode()
    return Page(200 if fine else 503, body)


def _bytes(
    page: Page, headers: Mapping[str, str] | None = None, *, head_only: bool = False
) -> bytes:
    lines = {
        "Content-Type": page.content_type,
        "Content-Length": str(len(page.body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **(headers or {}),
    }
    top = f"HTTP/1.1 {page.status} {_WORDS[page.status]}\r\n"
    top += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return top.encode() + b"\r\n" + (b"" if head_only else page.body)
