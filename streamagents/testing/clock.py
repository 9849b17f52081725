"""`FakeClock`: time that passes only when a test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """The port `Clock`, moved by hand: whoever sleeps wakes when the time has been advanced."""

    def __init__(self, start: datetime = _BEGINNING) -> None:
        if start.tzinfo is None:
            raise ValueError("The start of a FakeClock needs a time zone, as in tzinfo=UTC.")
        self._start = start.astimezone(UTC)
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has been advanced so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._passed_s + seconds, woken)
        self._sleepers.append(sleeper)
        try:
            await woken
        finally:
            if sleeper in self._sleepers:  # cancelled before its time
                self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Let time pass. Sleepers whose time has come run when the test awaits something next."""
        if seconds < 0:
            raise ValueError(f"Time does not go back, not by {seconds} s either.")
        self._passed_s += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._passed_s]
        for sleeper in sorted(due, key=lambda sleeper: sleeper[0]):
            self._sleepers.remove(sleeper)
            if not sleeper[1].done():
                sleeper[1].set_result(None)

    @property
    def next_wake_s(self) -> float | None:
        """How far to advance until the next sleeper wakes; None when nobody sleeps."""
        return min((due - self._passed_s for due, _ in self._sleepers), default=None)
