"""The ward: a worker for each fault, and each is a job of its own under one Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drill.watcher import SILENT, Watcher
from streamagents.devkit.sockets import free_port
from support.prometheus import running_prometheus
from support.workers import Fleet

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PATIENT = "drill.patient_app"
_WELL_S = 600.0
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
        row, since = Row(fault=fault, alert=alert), time.monotonic()
        await begin()
        row.fired = await self._until_told(alert, since, patience_s)
        row.pages = self._pages(since, words, ("not ready", SILENT))
        ended = time.monotonic()
        await mend()
        row.ended = await self._until_told(alert, ended, over_s, on=False)
        # An alert may be over before: who has just started says already that it starts.
        await self.until(lambda: None not in self._well(ended).values(), _WELL_S)
        row.well = self._well(ended)
        return row

    def _well(self, since: float) -> dict[str, float | None]:
        return self._pages(since, ("ok",), ("ready",))

    async def _until_told(
        self, alert: str, since: float, most_s: float, *, on: bool = True
    ) -> float | None:
        def told() -> float | None:
            return self.watcher.fires(self.name, alert, since=since, on=on)

        await self.until(lambda: told() is not None, most_s)
        return told()

    def _pages(
        self, since: float, health: tuple[str, ...], ready: tuple[str, ...]
    ) -> dict[str, float | None]:
        says = self.watcher.says
        return {
            "/health": says(self.name, "/health", *health, since=since),
            "/ready": says(self.name, "/ready", *ready, since=since),
        }

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
