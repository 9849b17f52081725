"""The server: a few pages over HTTP, from a thread with an event loop of its own.

It answers while the worker's own loop is busy, recovers, or is dead; that is what it is asked
about. So it is no web framework: a request line, a path, an answer, and the connection is closed.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import describe
from streamagents.ops.listening import QUEUE, listen_at

if TYPE_CHECKING:
    import socket
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
_STOP_S = 2.0
_LAST_TURNS = 10
"""Of the loop: who was just let in becomes a task, then an answer, then a socket to be closed."""
_WORDS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
_WORDS |= {500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = asyncio.Event()
        self._open: dict[asyncio.StreamWriter, None] = {}
        """The oldest first."""

    def start(self) -> int:
        """Listen from here on; at which port.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        listening = listen_at(self._host, self._port, self._setting)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, listening), name="streamagents-web", daemon=True
        )
        self._thread.start()
        return int(listening.getsockname()[1])

    def stop(self) -> None:
        """Listen no more. May be called twice, and by one that never started."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_S)

    def _run(self, loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._until_stopped(listening))
        finally:
            loop.close()

    async def _until_stopped(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(
            self._serve, sock=listening, limit=_LONGEST, backlog=QUEUE
        )
        await self._stopping.wait()
        server.close()
        for _ in range(_LAST_TURNS):
            # Turn first: a task that is cancelled before it began closes no socket.
            await asyncio.sleep(0)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    # -- one connection --------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        if len(self._open) > _MOST:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        try:
            async with asyncio.timeout(_REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            answer = self._answer(head)
            async with asyncio.timeout(_REQUEST_S):
                writer.write(answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a peer that is slow, gone, or speaks something else; it gets nothing
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()

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
