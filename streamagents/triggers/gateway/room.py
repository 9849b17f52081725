"""Room: how many requests, and how many of their bytes, may be here at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamagents.triggers.gateway.answers import not_kept

if TYPE_CHECKING:
    from collections.abc import Iterator


class Room:
    """So many requests and bytes; who finds it full is told so at once, and nothing is queued."""

    def __init__(self, requests: int, size_bytes: int) -> None:
        self._requests, self._bytes = requests, size_bytes

    @contextmanager
    def enter(self) -> Iterator[Share]:
        """Take a place for one request.

        Raises:
            RefusedError: 503, there is none.
        """
        if self._requests <= 0:
            raise not_kept("Too many requests are under way: try again.")
        self._requests -= 1
        share = Share(self)
        try:
            yield share
        finally:
            self._requests += 1
            self._bytes += share.taken

    def take(self, count: int) -> None:
        """Take bytes.

        Raises:
            RefusedError: 503, there are none left.
        """
        if count > self._bytes:
            raise not_kept("Too much is under way: try again.")
        self._bytes -= count


class Share:
    """What one request has taken."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self, count: int) -> None:
        """Take bytes for it.

        Raises:
            RefusedError: 503, there are none left.
        """
        self._room.take(count)
        self.taken += count
