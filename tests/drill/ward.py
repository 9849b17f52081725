"""The ward: one worker a fault, each a job of its own under one Prometheus, so that none is mixed up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drill.watcher import Watcher
from streamagents.devkit.sockets import free_port
from support.prometheus import running_prometheus
from support.workers import Fleet

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PATIENT = "drill.patient_app"
_WELL_S = 240.0
_LOOK_S = 0.2


@dataclass(slots=True, kw_only=True)
class Row:
    """How long until something was said, and until it was said that it is over; None: never."""

    fault: str
    alert: str
    pages: dict[str, float | None] = field(default_factory=dict)
    """By page, seconds until it spoke."""
    fired: float | None = None
    well: dict[str, float | None] = field(default_factory=dict)
    """By page, seconds until it said that it is over."""
    ended: float | None = None


class Bed:
    """One fleet under observation, whose workers keep their addresses over their lives."""

    def __init__(self, name: str, fleet: Fleet, watcher: Watcher, port: int) -> None:
        self.name, self.fleet, self.watcher = name, fleet, watcher
        self._port = port
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Start a worker at this bed's address."""
        self.worker = self.fleet.start(
            ready=False, STREAMAGENTS_WEB_PORT=str(self._port), **environment
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The worker."""
        assert self.worker is not None
        return self.worker

    def fall_ill(self) -> None:
        """From now on."""
        self.fleet.open("ill")

    def recover(self) -> None:
        """From now on."""
        (self.fleet.gates / "ill").unlink(missing_ok=True)

    async def ready(self) -> None:
        """Wait until the worker says that it is, and nothing else."""
        began = time.monotonic()
        await self.until(
            lambda: self.watcher.says(self.name, "/ready", "ready", since=began) is not None,
            _WELL_S,
        )

    async def keep_alive(self) -> None:
        """Start a worker again whenever it ends, as a supervisor does, until cancelled."""
        while True:
            if self.process.poll() is not None:
                self.start()
            await asyncio.sleep(_LOOK_S)

    async def measure(
        self,
        fault: str,
        begin: Callable[[], Awaitable[Any]],
        mend: Callable[[], Awaitable[Any]],
        *,
        alert: str,
        words: tuple[str, ...] = (),
        patience_s: float = 300.0,
        over_s: float = 120.0,
    ) -> Row:
        """Let a fault begin and end.

        Args:
            fault: in words.
            begin: lets it begin.
            mend: ends it, once it was said.
            alert: that is to fire.
            words: of `/health` that are right; none: it is to stay `ok`.
            patience_s: how long to wait until it is said.
            over_s: how long to wait until it is said that it is over.
        """
        row = Row(fault=fault, alert=alert)
        since = time.monotonic()
        await begin()
        fires = lambda on, at: self.watcher.fires(self.name, alert, since=at, on=on)  # noqa: E731
        says = lambda at, page, *w: self.watcher.says(self.name, page, *w, since=at)  # noqa: E731
        await self.until(lambda: fires(True, since) is not None, patience_s)
        row.fired = fires(True, since)
        row.pages = {"/health": says(since, "/health", *words) if words else None}
        row.pages["/ready"] = says(since, "/ready", "not ready", "silent")
        ended = time.monotonic()
        await mend()
        await self.until(lambda: fires(False, ended) is not None, over_s)
        row.ended = fires(False, ended)
        row.well = {
            "/health": says(ended, "/health", "ok"),
            "/ready": says(ended, "/ready", "ready"),
        }
        return row

    @staticmethod
    async def until(holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, or until the time is over."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True


@contextlib.asynccontextmanager
async def bed(
    name: str, bootstrap: str, folder: Path, watcher: Watcher, port: int, **options: Any
) -> AsyncIterator[Bed]:
    """A fleet of its own; no worker runs yet."""
    place = folder / name
    place.mkdir()
    async with Fleet(bootstrap, place, **{"module": PATIENT, **options}) as fleet:
        yield Bed(name, fleet, watcher, port)


@contextlib.asynccontextmanager
async def watched(
    folder: Path, rules: Path, names: list[str]
) -> AsyncIterator[tuple[Watcher, dict[str, int]]]:
    """A Prometheus with a job for each name, and who looks at all of them; the ports they get."""
    ports = {name: free_port() for name in names}
    targets = {f"streamagents-{name}": [f"127.0.0.1:{port}"] for name, port in ports.items()}
    with running_prometheus(folder, targets, rules=[rules], interval_s=1) as prometheus:
        watcher = Watcher(prometheus, ports)
        looking = asyncio.create_task(watcher.run())
        try:
            yield watcher, ports
        finally:
            looking.cancel()
            await asyncio.wait([looking])
