"""The server: a few pages over HTTP, from a thread of its own.

It answers while the worker's event loop is busy, recovers, or is dead; that is what it is asked
about. So it is no web framework: a request line, a path, an answer, and the connection is closed.
Beside a busy event loop each time that it sleeps is a wait for its turn: it sleeps once a request.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.ops.listening import listen_at
from streamagents.ops.pages import Page, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


@dataclass(slots=True)
class _Peer:
    """One connection."""

    until: float
    """Monotonic seconds."""
    heard: bytes = b""
    left: memoryview | None = None
    """Of its answer; None while it asks."""
    waits_for: int = 0
    """What the selector was told."""


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
                self._serve(key.fileobj)
        now = time.monotonic()
        for peer in [peer for peer, one in self._peers.items() if one.until <= now]:
            self._give_up(peer)
        return True

    def _accept(self, listening: socket.socket) -> None:
        """Let everybody in, and answer who has asked already."""
        for _ in range(_MOST):  # then those who were let in before have their turn
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
            self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        one = self._peers[peer]
        try:
            if one.left is None and not self._hear(peer, one):
                self._close(peer)  # it speaks something else; it gets nothing
            else:
                self._say(peer, one)
        except BlockingIOError:  # there is more to come, from it or to it
            self._wait(peer, one)
        except OSError:
            self._close(peer)  # a peer that is gone

    def _hear(self, peer: socket.socket, one: _Peer) -> bool:
        """Take its request; whether it is one."""
        while b"\r\n\r\n" not in one.heard:
            part = peer.recv(_LONGEST)
            one.heard += part
            if not part or len(one.heard) > _LONGEST:
                return False
        one.left = memoryview(answer(one.heard, self._pages))
        one.until = time.monotonic() + _REQUEST_S
        self._peers[peer] = self._peers.pop(peer)  # the order is that of their ends
        return True

    def _say(self, peer: socket.socket, one: _Peer) -> None:
        while one.left:
            one.left = one.left[peer.send(one.left) :]
        peer.shutdown(socket.SHUT_WR)
        # What was said beyond the request is taken, too: a close that leaves it there takes the
        # answer back.
        with suppress(BlockingIOError):
            peer.recv(_LONGEST)
        self._close(peer)

    def _wait(self, peer: socket.socket, one: _Peer) -> None:
        wanted = selectors.EVENT_READ if one.left is None else selectors.EVENT_WRITE
        if not one.waits_for:
            self._selector.register(peer, wanted)
        elif one.waits_for != wanted:
            self._selector.modify(peer, wanted)
        one.waits_for = wanted

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
        if self._peers.pop(peer).waits_for:
            self._selector.unregister(peer)
        peer.close()
