"""Rates: how many requests a second a source may have taken. A token bucket, one second deep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamagents.ports import Clock


class Bucket:
    """So many a second, and no more than a second's worth (one at least) at once."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._left = self._most
        self._clock = clock
        self._at = clock.monotonic()

    def take(self, count: int = 1) -> float:
        """Take tokens: 0 if they were there, else the seconds after which to ask again.

        More than the bucket holds may be taken when it is full; it is empty for longer then.
        """
        now = self._clock.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        needed = min(float(count), self._most)
        if self._left >= needed:
            self._left -= count
            return 0.0
        return (needed - self._left) / self._per_second
