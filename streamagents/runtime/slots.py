"""Slots: how many events of one agent run at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """A counter with a queue. `take` costs next to nothing where there is room.

    Args:
        limit: how many there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> bool:
        """Whether there is a slot, and nobody waits for it."""
        return self._free > 0 and not self._waiting

    @property
    def taken(self) -> int:
        """How many are in use."""
        return self._limit - self._free

    def take(self) -> bool:
        """Take a slot if it is free."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return True
        return False

    def occupy(self) -> None:
        """Take a slot that was free just now."""
        self._free -= 1

    async def wait(self) -> None:
        """Take a slot, in turn."""
        if self.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was ours already
            elif turn in self._waiting:  # else give() has passed it over
                self._waiting.remove(turn)
            raise

    def give(self) -> None:
        """Give a slot back: to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
