"""Ours: one agent that does nothing, waits, or looks how late it is. `faust -A benchmarks.app`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import work
from benchmarks.meter import Meter
from streamagents import Event, Route, create_app

if TYPE_CHECKING:
    from streamagents.ports import Report

JOURNAL = os.environ.get("BENCH_JOURNAL")


class Ping(Event, topic="ping", key="who"):
    id: str
    n: int
    who: str
    at: float


class Idler:
    async def run(self, ping: Ping) -> None:
        pass


class Sleeper:
    def __init__(self, facts: dict[str, Any]) -> None:
        self._sleep = work.Sleep(facts)

    async def run(self, ping: Ping) -> None:
        await self._sleep.run(ping)


class Stamper:
    def __init__(self, facts: dict[str, Any]) -> None:
        self._stamp = work.Stamp(facts)

    async def run(self, ping: Ping) -> None:
        self._stamp.note(ping.n, ping.at)


class Fallback:
    async def run(self, event: dict[str, Any]) -> None:
        pass


class Watch:
    """From the first start to the last outcome that is durable: not merely handled."""

    def observe(self, report: Report) -> None:
        if report.outcome == "ok":
            meter.tick()
        elif report.outcome == "started" and not meter.began:
            meter.begin()


class Journal:
    """Who handled which partition when: read by the one who kills."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("a", buffering=1)

    def observe(self, report: Report) -> None:
        if report.outcome == "started":
            self._out.write(f"{time.monotonic()} {report.partition}\n")


def _agent(facts: dict[str, Any]) -> Any:
    if work.WORK == "sleep":
        return Sleeper(facts)
    return Stamper(facts) if work.WORK == "stamp" else Idler()


meter = Meter(libraries=("faust-streaming", "aiokafka", "rocksdict", "pydantic"))
app = create_app(
    os.environ.get("BENCH_NAME", "bench"),
    agents={"ping": Route(_agent(meter.facts))},
    fallback=Fallback(),
)
app.observers.add(Watch())
if JOURNAL:
    app.observers.add(Journal(Path(JOURNAL)))
