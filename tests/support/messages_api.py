"""A Messages API on loopback, that answers by script, misbehaves when told to, and counts."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

USAGE = {
    "input_tokens": 12,
    "output_tokens": 5,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 2,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it came in."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    path: str = "/v1/messages"

    @property
    def text(self) -> str:
        """The last message's texts."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else " ".join(_texts(content))


def _texts(content: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in content:
        yield str(block.get("text", block.get("content", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What comes back, and how."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str | Mapping[str, Any] | list[Any] = b""
    after_s: float = 0.0
    """Waited before anything is sent."""
    drip_s: float | None = None
    """Between single bytes of the body."""
    cut_after: int | None = None
    """The connection is closed after so many bytes of the body."""
    hang: bool = False
    """Nothing ever comes."""
    close: bool = False
    """The connection is closed at once."""


def message(*texts: str, **fields: Any) -> dict[str, Any]:
    """An answer as the API words it."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [{"type": "text", "text": text} for text in texts],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


def says(*texts: str, **fields: Any) -> Reply:
    """A good reply."""
    return Reply(body=message(*texts, **fields), headers={"request-id": "req_1"})


def fails(status: int, type_: str = "api_error", words: str = "So it is.", **more: Any) -> Reply:
    """An error as the API words it."""
    body = {"type": "error", "error": {"type": type_, "message": words}, "request_id": "req_2"}
    headers = {"request-id": "req_2", **more.pop("headers", {})}
    return Reply(status=status, body=body, headers=headers, **more)


Script = Iterable[Reply] | Callable[[Asked], Reply]


class MessagesApi:
    """The server, in a thread with a loop of its own: whoever asks may block.

    Args:
        script: the replies in order, or a function of the request; beyond them it says "ok".
    """

    def __init__(self, script: Script = (), port: int = 0) -> None:
        self.asked: list[Asked] = []
        """All requests that came in whole, in order."""
        self.open = 0
        """Connections that are open now."""
        self.most_open = 0
        self._each = script if callable(script) else None
        self._next: Iterator[Reply] = iter(()) if callable(script) else iter(script)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """For `ANTHROPIC_BASE_URL`."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", self._port, backlog=1000)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._serve(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(headers, json.loads(raw or b"null"), head[0].split()[1])
        self.asked.append(asked)
        reply = self._each(asked) if self._each else next(self._next, says("ok"))
        return await self._reply(reply, reader, writer)

    async def _reply(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if reply.close:
            return False
        if reply.hang:
            await reader.read()  # until the other side gives up
            return False
        if reply.after_s:
            await asyncio.sleep(reply.after_s)
        body = reply.body
        raw = body if isinstance(body, bytes) else _encoded(body)
        lines = [f"HTTP/1.1 {reply.status} Said"]
        headers = {"content-type": "application/json", "content-length": len(raw), **reply.headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        for place in range(len(raw)) if reply.drip_s is not None else ():
            writer.write(raw[place : place + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip_s or 0)
        if reply.drip_s is None:
            writer.write(raw[: reply.cut_after])
        await writer.drain()
        return reply.cut_after is None


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


if __name__ == "__main__":  # for who measures: a process of its own, until its input ends
    with MessagesApi(lambda asked: says("ok"), int(sys.argv[1])) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
