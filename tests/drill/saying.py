"""`python -m drill.saying`: how long until it is said that something is wrong, and that it is over.

Real faults of real workers under a real Prometheus with the shipped rules. It looks and judges
once a second here; as shipped it does so every 10 s, which adds up to 20 s. `--only NAME ...`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from drill import faults, outages
from drill.ward import Bed, bed, watched
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from drill.ward import Row
    from drill.watcher import Watcher

RULES = Path(__file__).parents[2] / "monitoring/rules/streamagents.yml"
CIRCUIT_S = 180.0
"""For so long the provider is away: longer than its alert waits."""
SIMPLE: dict[str, Callable[[Bed], Awaitable[Row]]] = {
    "frozen": faults.frozen,
    "held": faults.held,
    "hanging": faults.hanging,
    "dead": faults.dead,
    "looping": faults.looping,
    "letters": faults.letters,
    "topic": faults.no_topic,
}
_START_S = 300.0
"""Of a broker, on a machine that is busy."""
CALM = ("idle", "waiting", "long", "deploy-1", "deploy-2")
OTHERS = ("circuit", "monitor", "disk", "broker")
WELL = {"ok", "starting", "stopping"}


@dataclass(frozen=True, slots=True)
class Round:
    """Where the faults happen."""

    broker: str
    folder: Path
    watcher: Watcher
    ports: dict[str, int]


def main() -> int:
    """Print the table; 1 if something was not said, or said of those that are well."""
    parser = argparse.ArgumentParser(prog="python -m drill.saying", description=__doc__)
    every = (*SIMPLE, *OTHERS, "calm")
    parser.add_argument("--only", nargs="+", choices=every, default=every)
    parser.add_argument("--calm", type=float, default=300.0, help="seconds to watch who is well")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or processes would be left behind
    folder = Path(tempfile.mkdtemp(prefix="streamagents-saying-"))
    broker = EmbeddedBroker(folder / "broker", free_port(), heap_mib=512)
    broker.start(_START_S)
    try:
        rows, wrongly = asyncio.run(play(broker.address, folder, arguments.only, arguments.calm))
    finally:
        broker.stop()
    sys.stdout.write(f"said of those that are well: {', '.join(wrongly) or 'nothing'}\n")
    return 1 if wrongly or any(row.fired is None for row in rows) else 0


async def play(
    broker: str, folder: Path, only: Sequence[str], calm_s: float
) -> tuple[list[Row], list[str]]:
    """All that is asked for at once; the rows, and what was said without reason."""
    names = [name for name in (*SIMPLE, *OTHERS) if name in only]
    names += CALM if "calm" in only else ()
    names += ["gateway"] if "broker" in only else ()
    async with watched(folder, RULES, names) as (watcher, ports):
        place = Round(broker, folder, watcher, ports)
        playing = [asyncio.create_task(_told(_simple(place, n))) for n in names if n in SIMPLE]
        others = {"circuit": _circuit, "monitor": _monitor, "disk": _disk, "broker": _broker}
        playing += [asyncio.create_task(_told(others[n](place))) for n in names if n in others]
        wrongly = await _calm(place, calm_s) if "calm" in only else []
        return [row for rows in await asyncio.gather(*playing) for row in rows], wrongly


async def _told(playing: Awaitable[list[Row]]) -> list[Row]:
    """Rows are printed as they come: the last of them takes ten minutes."""
    rows = await playing
    for row in rows:
        sys.stdout.write(line(row) + "\n")
    sys.stdout.flush()
    return rows


async def _simple(place: Round, name: str) -> list[Row]:
    async with _bed(place, name) as one:
        one.start()
        await one.ready()
        return [await SIMPLE[name](one)]


async def _circuit(place: Round) -> list[Row]:
    async with _bed(place, "circuit", module="support.askers_app") as one:
        one.fleet.environment["ASKERS_FAIL_UNTIL"] = str(time.time() + CIRCUIT_S)
        one.start()
        await one.ready()
        return [await faults.open_circuit(one)]


async def _monitor(place: Round) -> list[Row]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/feed"
    async with _bed(
        place,
        "monitor",
        module="support.watchers_app",
        WATCHED_URL=url,
        STREAMAGENTS_ALLOW_PRIVATE_HOSTS=f"127.0.0.1:{port}",
    ) as one:
        one.start()
        await one.ready()
        with contextlib.ExitStack() as stack:
            return [await faults.failing_monitor(one, lambda: stack.enter_context(_site(port)))]


async def _disk(place: Round) -> list[Row]:
    disk = place.folder / "disk-of-16-mib"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if (await asyncio.to_thread(subprocess.run, mount, check=False)).returncode:
        return []  # only root may
    try:
        async with _bed(place, "disk", STREAMAGENTS_DATA_DIR=str(disk)) as one:
            one.start()
            await one.ready()
            return [await faults.full_disk(one, disk)]
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "-l", str(disk)], check=False)


async def _broker(place: Round) -> list[Row]:
    own = EmbeddedBroker(place.folder / "own-broker", free_port())
    await asyncio.to_thread(own.start, _START_S)
    try:
        async with bed(
            "broker", own.address, place.folder, place.watcher, place.ports["broker"]
        ) as one:
            one.start()
            await one.ready()
            async with outages.gateway(
                own, place.folder, place.watcher, place.ports["gateway"]
            ) as gate:
                return await outages.both(own, one, gate)
    finally:
        await asyncio.to_thread(own.stop)


async def _calm(place: Round, seconds: float) -> list[str]:
    """What was said of those that are well."""
    async with AsyncExitStack() as stack:
        beds = {name: await stack.enter_async_context(_bed(place, name)) for name in CALM[:4]}
        second = Bed("deploy-2", beds["deploy-1"].fleet, place.watcher, place.ports["deploy-2"])
        beds["deploy-2"] = second
        for one in beds.values():
            one.start()
        for one in beds.values():
            await one.ready()
        began = time.monotonic()
        await faults.waiting(beds["waiting"])
        await faults.long_handler(beds["long"])
        await faults.rolling([beds["deploy-1"], second])
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        return _wrongly(place.watcher)


def _wrongly(watcher: Watcher) -> list[str]:
    said = [f"{name}: {alert}" for name in CALM for alert in watcher.alerts_of(name)]
    for name in CALM:
        # Before its start, and between two processes, a worker is silent, and rightly so.
        words = set(watcher.words_of(name)) - WELL - {"silent"}
        said += [f"{name}: {word}" for word in sorted(words)]
    return said


def _bed(place: Round, name: str, **options: str) -> contextlib.AbstractAsyncContextManager[Bed]:
    return bed(name, place.broker, place.folder, place.watcher, place.ports[name], **options)


@contextlib.contextmanager
def _site(port: int) -> Iterator[None]:
    """An empty feed."""
    feed = b"<rss version='2.0'><channel><title>none</title></channel></rss>"

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/rss+xml")
            self.send_header("content-length", str(len(feed)))
            self.end_headers()
            self.wfile.write(feed)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def line(row: Row) -> str:
    """A row of the table, as Markdown has it."""
    pages, well = (
        [_seconds(found.get(p)) for p in ("/health", "/ready")] for found in (row.pages, row.well)
    )
    alert = row.alert.removeprefix("Streamagents")
    cells = (row.fault, *pages, f"`{alert}` {_seconds(row.fired)}", *well, _seconds(row.ended))
    return "| " + " | ".join(cells) + " |"


def _seconds(found: float | None) -> str:
    return "-" if found is None else f"{found:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
