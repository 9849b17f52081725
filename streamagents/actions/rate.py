"""Rate: no more than so many deliveries in a second, in the order they asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamagents.ports import Clock

_LATE_S = 0.1
"""A loop that was late makes up for so much and no more: a peer has not forgotten the last second.
Without it every late wake-up would lower the rate for good."""
_ROUNDING_S = 1e-9
"""A wait that is shorter is an error of rounding."""


class Rate:
    """Turns for one worker, spaced evenly: a peer that counts in windows refuses bursts.

    Args:
        per_second: turns in a second; None is no limit.
        clock: the time.
    """

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._clock = clock
        self._space_s = 0.0 if per_second is None else 1 / per_second
        self._next_at = 0.0
        self._line = asyncio.Lock()  # wakes those who wait in the order they came

    async def turn(self) -> None:
        """Wait for a turn. Cancelled, it takes none."""
        if not self._space_s:
            return
        asked_at = self._clock.monotonic()
        async with self._line:
            turn_at = max(self._next_at, asked_at, self._clock.monotonic() - _LATE_S)
            while (wait_s := turn_at - self._clock.monotonic()) > _ROUNDING_S:
                await self._clock.sleep(wait_s)
            self._next_at = turn_at + self._space_s
