"""Bodies: read and unpacked up to a limit, whatever their headers say of their size."""

from __future__ import annotations

import zlib
from typing import Any

from streamagents.errors import HttpError, TooLargeError

ACCEPTED = "gzip, deflate"
"""What we can unpack, as a request says it."""

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_DEFLATED = 8
"""The low half of zlib's first byte; some servers send the raw stream instead."""
_PACKING_BYTES = 1024
"""A packed body may be so much larger than what is in it."""


class Body:
    """Collects a body.

    Args:
        who: the peer, for sentences.
        encoding: its Content-Encoding.
        max_bytes: the unpacked body may have so many.

    Raises:
        HttpError: the encoding is none that was asked for.
    """

    def __init__(self, who: str, encoding: str, max_bytes: int) -> None:
        self._who, self._max_bytes = who, max_bytes
        self._encoding = encoding.strip().casefold().removeprefix("x-")
        if self._encoding not in {"", "identity", "gzip", "deflate"}:
            raise HttpError(f"{who} answers in an encoding that it was not asked for.")
        self._packed = self._encoding in {"gzip", "deflate"}
        self._unpacker: Any = None
        self._body, self._read = bytearray(), 0

    def feed(self, chunk: bytes) -> None:
        """Take what has arrived.

        Raises:
            TooLargeError: that is too much.
            HttpError: it cannot be unpacked.
        """
        self._read += len(chunk)
        if self._read > self._max_bytes + (_PACKING_BYTES if self._packed else 0):
            raise self._too_large()
        if not self._packed:
            self._body += chunk
            return
        try:
            self._unpack(chunk)
        except zlib.error:
            raise HttpError(f"{self._who} sent a body that cannot be unpacked.") from None

    def whole(self) -> bytes:
        """The body, once all has arrived.

        Raises:
            HttpError: its end is missing.
        """
        if self._unpacker is not None and not self._unpacker.eof:
            raise HttpError(f"{self._who} sent a body that ends in its middle.")
        return bytes(self._body)

    def _unpack(self, chunk: bytes) -> None:
        while chunk:
            if self._unpacker is None or self._unpacker.eof:  # gzip may have several parts
                self._unpacker = zlib.decompressobj(self._window(chunk))
            left = self._max_bytes - len(self._body)
            self._body += self._unpacker.decompress(chunk, left + 1)
            if len(self._body) > self._max_bytes:
                raise self._too_large()
            chunk = self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def _window(self, chunk: bytes) -> int:
        if self._encoding == "gzip":
            return _GZIP
        return _ZLIB if chunk[0] & 0x0F == _DEFLATED else _RAW

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"{self._who} sent more than {self._max_bytes} bytes.")
