"""The server: uvicorn, with an end to heads that drip and to connections that only wait."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

HEAD_S = 10.0
"""From the first byte of a connection, or of its next request, to the end of the head."""
MOST_CONNECTIONS = 1000
_HEAD_BYTES = 16 << 10
_KEEP_ALIVE_S = 15
_LINGER_S = 5.0
"""For an answer that is not read."""
_LAST_S = 1.0
"""For one more request over a connection that is kept, when the server ends."""
_DRAIN_S = 15
"""Longer than Kafka gets for an acknowledgement: what was taken is answered."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedProtocol(H11Protocol):
    """uvicorn's own protocol has no end for a head, and none for a body that nobody reads."""

    head_s = HEAD_S
    linger_s = _LINGER_S
    last_s = _LAST_S
    most = MOST_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _ends = False

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a head; a connection too many is told so."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(_FULL)
            transport.close()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; the time for a head begins with its first byte, and no later one renews it."""
        super().data_received(data)
        if self._is_busy():
            self._forget()
            if self._ends:
                self._say_goodbye()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._forget()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Close for good after a while: who does not read its answer would keep its place."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.loop.call_later(self.linger_s, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Likewise for who was silent for too long."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.linger_s, self.transport.abort)

    def pause_writing(self) -> None:
        """Who does not take its answer is waited for, but not for ever."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.linger_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads on."""
        if self._stalled is not None:
            self._stalled.cancel()
        super().resume_writing()

    def shutdown(self) -> None:
        """Answer what is under way, and what is sent before anybody can know; then close."""
        self._ends = True
        if self._is_busy():
            self._say_goodbye()
        else:
            self.loop.call_later(self.last_s, self._end)

    def _say_goodbye(self) -> None:
        """The answer under way is the last: who is not told sends the next into a closed door."""
        scope = self.cycle.scope
        scope["headers"] = [*scope["headers"], CLOSE_HEADER]  # as if it was asked for
        super().shutdown()

    def _end(self) -> None:
        if not self._is_busy() and not self.transport.is_closing():
            super().shutdown()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.head_s, self._too_late)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self._is_busy() and not self.transport.is_closing():
            self.transport.abort()


class GatewayServer(uvicorn.Server):
    """A server that ends by returning: uvicorn's own raises the signal again.

    Args:
        app: what it serves.
        signals: whether SIGINT and SIGTERM end it; else whoever hosts it calls `stop`.
    """

    def __init__(self, app: ASGIApp, *, signals: bool = True) -> None:
        self._signals = (signal.SIGINT, signal.SIGTERM) if signals else ()
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                # The peer's address decides on access: nobody's header may say another one.
                proxy_headers=False,
                server_header=False,
                h11_max_incomplete_event_size=_HEAD_BYTES,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first signal drains, the second ends at once."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in self._signals:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Answer what was taken, then end; asked twice, end now."""
        self.force_exit = self.should_exit
        self.should_exit = True
