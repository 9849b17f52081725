"""The measured application: one agent that sleeps, or does nothing. `faust -A benchmarks.app`.

It measures itself, in its own process, and writes what it found when the last event is done.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamagents import Event, Route, create_app

if TYPE_CHECKING:
    from streamagents.ports import Report

SLEEP_S = float(os.environ.get("BENCH_SLEEP_S", "0"))
EVENTS = int(os.environ.get("BENCH_EVENTS", "0"))
RESULT = Path(os.environ.get("BENCH_RESULT", os.devnull))


class Ping(Event, topic="ping", key="who"):
    id: str
    n: int
    who: str


class Sleeper:
    """Waits, as for a model; counts how many wait at once, and looks at the order of each key."""

    def __init__(self) -> None:
        self.running = self.most = self.disorder = 0
        self._last: dict[str, int] = {}
        self._busy: set[str] = set()

    async def run(self, ping: Ping) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.disorder += ping.who in self._busy or self._last.get(ping.who, -1) >= ping.n
        self._busy.add(ping.who)
        self._last[ping.who] = ping.n
        await asyncio.sleep(SLEEP_S)
        self._busy.discard(ping.who)
        self.running -= 1


class Idler:
    async def run(self, ping: Ping) -> None:
        pass


class Fallback:
    async def run(self, event: dict[str, Any]) -> None:
        pass


class Watch:
    """From the first start to the last outcome that is durable: not merely handled."""

    def __init__(self) -> None:
        self.began = 0.0
        self.done = 0

    def observe(self, report: Report) -> None:
        if report.outcome == "started" and not self.began:
            self.began = time.perf_counter()
        elif report.outcome == "ok":
            self.done += 1
            if self.done == EVENTS:
                self._write(time.perf_counter() - self.began)

    def _write(self, seconds: float) -> None:
        found: dict[str, Any] = {"seconds": seconds, "events": self.done}
        if isinstance(agent, Sleeper):
            found |= {"most": agent.most, "disorder": agent.disorder}
        write_result(RESULT, found)


def write_result(file: Path, found: dict[str, Any]) -> None:
    """Write a whole file or none: somebody waits for it."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(found))
    draft.replace(file)


agent = Sleeper() if SLEEP_S else Idler()
app = create_app(
    os.environ.get("BENCH_NAME", "bench"), agents={"ping": Route(agent)}, fallback=Fallback()
)
app.observers.add(Watch())
