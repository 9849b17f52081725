"""`RedisStream`: the port `Queue` on a Redis Stream, read as a consumer group."""

from __future__ import annotations

import base64
import socket
import time
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_core import to_json
from redis import asyncio as redis
from redis import exceptions

from streamagents.errors import QueueError
from streamagents.ports import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamagents.triggers.bridge.queues import RedisQueue

log = structlog.stdlib.get_logger("streamagents.triggers")

_MOST = 100
"""Entries have no size that Redis would bound."""
_BLOCK_MS = 500
_ANSWER_S = 10.0
_BEGINNING = b"0-0"
_REFUSED = (exceptions.AuthenticationError, exceptions.NoPermissionError)
Entries = list[tuple[bytes, dict[bytes, bytes] | None]]


class RedisStream:
    """Reads first what this consumer has not finished, then what dead ones left, then what is new.

    Args:
        queue: where it is.
        group: of the consumers that share it.
    """

    def __init__(self, queue: RedisQueue, group: str) -> None:
        self._stream, self._group = queue.stream, queue.group or group
        self._consumer = queue.consumer or socket.gethostname()
        self._url, self._field = queue.url, queue.field
        self._claim_ms = int(queue.claim_s * 1000)
        self._client: Any = None
        self._unfinished = True
        self._claim_at = 0.0
        self._claim_after = _BEGINNING

    async def receive(self, limit: int) -> Sequence[Message]:
        """The next entries; none after half a second."""
        try:
            client = self._client or await self._join()
            limit = min(limit, _MOST)
            if self._unfinished:
                entries = await self._read(client, "0", limit)
                self._unfinished = bool(entries)
                if entries:
                    return await self._messages(client, entries)
            if entries := await self._claimed(client, limit):
                return await self._messages(client, entries)
            return await self._messages(client, await self._read(client, ">", limit))
        except (exceptions.RedisError, OSError) as exc:
            raise self._fault(exc) from exc

    async def hold(self, messages: Sequence[Message]) -> None:
        """They are ours as if just delivered."""
        ids = [message.token for message in messages]
        try:
            client = self._client or await self._join()
            await client.xclaim(self._stream, self._group, self._consumer, 0, ids, justid=True)
        except (exceptions.RedisError, OSError) as exc:
            raise self._fault(exc) from exc

    async def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge them; the entries stay in the stream until it is trimmed."""
        try:
            client = self._client or await self._join()
            await client.xack(self._stream, self._group, *(message.token for message in messages))
        except (exceptions.RedisError, OSError) as exc:
            raise self._fault(exc) from exc

    async def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        self._unfinished = True
        if client is not None:
            await client.aclose()

    async def _join(self) -> Any:
        try:
            client = redis.Redis.from_url(
                self._url.get_secret_value(),
                socket_connect_timeout=_ANSWER_S,
                socket_timeout=_ANSWER_S,
                client_name="streamagents-bridge",
            )
        except ValueError as exc:
            raise QueueError(
                "The URL of Redis cannot be used: say redis://user:password@host:6379/0.",
                lasting=True,
            ) from exc
        try:
            await client.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except exceptions.ResponseError as exc:
            if not str(exc).startswith("BUSYGROUP"):  # it exists: somebody was here before
                await client.aclose()
                raise
        except BaseException:
            await client.aclose()
            raise
        self._client = client
        return client

    async def _claimed(self, client: Any, limit: int) -> Entries:
        """What others left, from time to time; one call looks at a part of all that is pending."""
        while time.monotonic() >= self._claim_at:
            self._claim_after, entries, *_ = await client.xautoclaim(
                self._stream,
                self._group,
                self._consumer,
                self._claim_ms,
                start_id=self._claim_after,
                count=limit,
            )
            if self._claim_after == _BEGINNING:
                self._claim_at = time.monotonic() + self._claim_ms / 2000
            if entries:
                found: Entries = entries
                return found
        return []

    async def _read(self, client: Any, after: str, limit: int) -> Entries:
        block = _BLOCK_MS if after == ">" else None
        found = await client.xreadgroup(
            self._group, self._consumer, {self._stream: after}, count=limit, block=block
        )
        return _entries(found)

    async def _messages(self, client: Any, entries: Entries) -> list[Message]:
        trimmed = [id_ for id_, fields in entries if not fields]
        if trimmed:
            log.warning("entries_trimmed", stream=self._stream, entries=len(trimmed))
            await client.xack(self._stream, self._group, *trimmed)
        return [self._message(id_, fields) for id_, fields in entries if fields]

    def _message(self, id_: bytes, fields: dict[bytes, bytes]) -> Message:
        headers = [("traceparent", fields[b"traceparent"])] if b"traceparent" in fields else []
        if self._field is not None:
            value = fields.get(self._field.encode())
        else:
            value = to_json({_text(name): _shown(value) for name, value in fields.items()})
        return Message(id=id_.decode(), value=value, headers=tuple(headers), token=id_)

    def _fault(self, exc: BaseException) -> QueueError:
        # Redis' own words name commands and users, never a password.
        lasting = isinstance(exc, _REFUSED) or str(exc).startswith("WRONGTYPE")
        reason = " ".join(str(exc).split()) if isinstance(exc, exceptions.ResponseError) else ""
        what = f"refuses the stream {self._stream!r}" if reason or lasting else "does not answer"
        return QueueError(
            f"Redis {what}: {reason or type(exc).__name__}.".replace("..", "."), lasting=lasting
        )


def _entries(found: Any) -> Entries:
    """The entries of one stream, in the shape of either version of the protocol."""
    if not found:
        return []
    ((_, entries),) = found.items() if isinstance(found, dict) else found
    if isinstance(found, dict):
        entries = [entry for part in entries for entry in part]
    made: Iterable[Any] = entries
    return [(entry[0], entry[1]) for entry in made]


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _shown(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
