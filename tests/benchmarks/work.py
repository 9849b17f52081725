"""What a handler does when it is measured: nothing, wait, or look how late it is.

Shared by ours and the peers: the standard library alone.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WORK = os.environ.get("BENCH_WORK", "nothing")
SLEEP_S = float(os.environ.get("BENCH_SLEEP_S", "0"))


class PingLike(Protocol):
    """An event of the benchmarks, as whatever class a framework makes of it."""

    id: str
    n: int
    who: str
    at: float


class Nothing:
    """A handler that costs nothing: what is measured is all around it."""

    async def run(self, ping: PingLike) -> None:
        pass


class Sleep:
    """Waits, as for a model; counts how many wait at once, and looks at the order of each key."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        facts |= {"most": 0, "disorder": 0}
        self._running = 0
        self._last: dict[str, int] = {}
        self._busy: set[str] = set()

    async def run(self, ping: PingLike) -> None:
        self._running += 1
        self._facts["most"] = max(self._facts["most"], self._running)
        if ping.who in self._busy or self._last.get(ping.who, -1) >= ping.n:
            self._facts["disorder"] += 1
        self._busy.add(ping.who)
        self._last[ping.who] = ping.n
        await asyncio.sleep(SLEEP_S)
        self._busy.discard(ping.who)
        self._running -= 1


class Stamp:
    """Notes how long ago the event was sent; not of those that are there to warm up."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._late_s: list[float] = facts.setdefault("late_s", [])

    async def run(self, ping: PingLike) -> None:
        self.note(ping.n, ping.at)

    def note(self, n: int, at: float) -> None:
        """Take down an event, unless its number is negative or it bears no time."""
        if n >= 0 and at:
            self._late_s.append(time.monotonic() - at)


def handler(facts: dict[str, Any]) -> Callable[[PingLike], Awaitable[None]]:
    """The handler that was asked for."""
    if WORK == "sleep":
        return Sleep(facts).run
    return Stamp(facts).run if WORK == "stamp" else Nothing().run
