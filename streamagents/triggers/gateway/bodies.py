"""Bodies: read within a size and a time, or refused before they are read."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from streamagents.triggers.gateway.answers import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

    from streamagents.triggers.gateway.room import Share

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_REST_S = 2.0
_REST_BYTES = 8 << 20


class Body:
    """The body of one request; nobody has read of it yet."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.has_ended = False

    async def read(self, *, max_bytes: int, timeout_s: float, share: Share) -> bytes:
        """All of it.

        Raises:
            RefusedError: 413 too large, 415 packed, 408 too slow, 503 no room for it, 400 cut off
                or of two lengths.
        """
        headers = self._request.headers
        packed = ",".join(headers.getlist("content-encoding")).strip().lower()
        if packed not in {"", "identity"}:
            raise RefusedError(
                415,
                "A packed body is not taken: send it without Content-Encoding.",
                headers={"accept-encoding": "identity"},
            )
        length = headers.get("content-length", "")
        if length and "transfer-encoding" in headers:
            # Proxies differ on which of them counts: what one of them thinks is a body may be
            # another's next request.
            raise RefusedError(
                400, "The request has two lengths of its body.", headers={"connection": "close"}
            )
        if _LENGTH.fullmatch(length) and int(length) > max_bytes:
            raise _too_large(max_bytes)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._read(max_bytes, share)
        except TimeoutError:
            raise RefusedError(408, f"The body was not here within {timeout_s:g} s.") from None

    async def skip_rest(self) -> None:
        """Let a sender finish that was refused early, for it reads our answer only then.

        Not for long, not for ever, and not if it waits to be told to begin.
        """
        if "expect" in self._request.headers:
            return
        seen = 0
        with suppress(TimeoutError, RefusedError):  # it has gone: nobody is to be told
            async with asyncio.timeout(_REST_S):
                while not self.has_ended and seen < _REST_BYTES:
                    seen += len(await self._next())

    async def _read(self, max_bytes: int, share: Share) -> bytes:
        body = bytearray()
        while not self.has_ended:
            chunk = await self._next()
            if len(body) + len(chunk) > max_bytes:
                raise _too_large(max_bytes)
            share.take(len(chunk))
            body += chunk
        return bytes(body)

    async def _next(self) -> bytes:
        message = await self._request.receive()
        if message["type"] != "http.request":
            self.has_ended = True
            raise RefusedError(400, "The body was cut off.")
        self.has_ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(413, f"The body is larger than {max_bytes:,} bytes.")


def media_type(request: Request) -> str:
    """The content type in small letters, without parameters; empty if there is none.

    Raises:
        RefusedError: 415, it names two, or another charset than UTF-8.
    """
    given = request.headers.getlist("content-type")
    if len(given) > 1:
        raise RefusedError(415, "The request has several content types.")
    kind, _, parameters = (given[0] if given else "").lower().partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise RefusedError(415, "The body has to be in UTF-8.")
    return kind.strip()


def is_json(kind: str) -> bool:
    """Whether a content type is JSON: `application/json`, or anything with `+json`."""
    return kind == "application/json" or (kind.endswith("+json") and "/" in kind)
