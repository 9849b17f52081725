"""The faults, each of a worker of its own: how it begins, how it ends, who ought to speak."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient

from drill.watcher import SILENT
from streamagents.bus import KafkaAdmin
from streamagents.topics import plan
from support.workers import job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from drill.ward import Bed, Row

_LONG_S = 3000.0
_STUCK = ("stuck", SILENT)


async def _at_once() -> None:
    """Nothing has to be mended."""


async def frozen(bed: Bed) -> Row:
    """The worker stands still."""

    async def freeze() -> None:
        bed.process.send_signal(signal.SIGSTOP)

    async def thaw() -> None:
        bed.process.send_signal(signal.SIGCONT)

    return await bed.measure(
        "a worker frozen (SIGSTOP)",
        freeze,
        thaw,
        alert="StreamagentsProcessDown",
        words=(SILENT,),
    )


async def held(bed: Bed) -> Row:
    """An agent holds the loop."""

    async def hold() -> None:
        bed.fall_ill()
        await bed.fleet.send("visit", [job(1, what="hold")])

    async def let_go() -> None:
        bed.recover()

    return await bed.measure(
        "an agent holds the loop", hold, let_go, alert="StreamagentsStuck", words=_STUCK
    )


async def hanging(bed: Bed) -> Row:
    """A handler hangs in a thread, beyond its timeout."""

    async def hang() -> None:
        bed.fall_ill()
        await bed.fleet.send("slot", [job(1)])

    async def wake() -> None:
        bed.recover()

    return await bed.measure(
        "a handler hangs beyond its timeout of 5 s",
        hang,
        wake,
        alert="StreamagentsStale",
        words=("stale",),
    )


async def dead(bed: Bed) -> Row:
    """The only worker is killed."""

    async def kill() -> None:
        bed.fleet.kill(bed.process)

    async def start() -> None:
        bed.start()

    return await bed.measure(
        "all workers killed", kill, start, alert="StreamagentsProcessDown", words=(SILENT,)
    )


async def looping(bed: Bed) -> Row:
    """An event kills its worker, which is started again and again."""
    supervisor = asyncio.create_task(bed.keep_alive())

    async def poison() -> None:
        bed.fall_ill()
        await bed.fleet.send("visit", [job(1, what="die")])

    async def heal() -> None:
        bed.recover()

    try:
        return await bed.measure(
            "a crash loop",
            poison,
            heal,
            alert="StreamagentsCrashLoop",
            words=(SILENT,),
            over_s=700,
        )
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])


async def letters(bed: Bed) -> Row:
    """An agent fails."""

    async def fail() -> None:
        await bed.fleet.send("visit", [job(1, what="fail")])

    return await bed.measure(
        "a letter arrives", fail, _at_once, alert="StreamagentsLettersArrive", over_s=700
    )


async def no_topic(bed: Bed) -> Row:
    """A topic is deleted while workers read it."""
    fleet = bed.fleet

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=fleet.bootstrap)
        await admin.start()
        await admin.delete_topics([fleet.topic("stay")])
        await admin.close()

    async def apply() -> None:
        async with KafkaAdmin(fleet.bootstrap) as admin:
            there = await admin.partitions()
            await admin.apply(plan([s for s in fleet.specs() if s.name not in there], {}))

    return await bed.measure(
        "a topic deleted", delete, apply, alert="StreamagentsStuck", words=("stuck",)
    )


async def open_circuit(bed: Bed) -> Row:
    """The model's provider does not answer."""
    asking = asyncio.create_task(_ask(bed))
    try:
        await bed.until(lambda: bool(bed.fleet.lines("call")), 60)
        return await bed.measure(
            "the model's provider away (an open circuit)",
            _at_once,
            _later(float(bed.fleet.environment["ASKERS_FAIL_UNTIL"])),
            alert="StreamagentsCircuitOpen",
            over_s=240,
        )
    finally:
        asking.cancel()
        await asyncio.wait([asking])


async def _ask(bed: Bed) -> None:
    for n in range(10_000):
        await bed.fleet.send("ask", [job(n, f"k{n}")])
        await asyncio.sleep(1)


def _later(until: float) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await asyncio.sleep(max(0.0, until - time.time()))

    return wait


async def failing_monitor(bed: Bed, site: Callable[[], Any]) -> Row:
    """A monitor finds nobody at its address."""
    return await bed.measure(
        "a monitor fails (it looks every 2 s)",
        _at_once,
        lambda: asyncio.to_thread(site),
        alert="StreamagentsMonitorFailing",
    )


async def full_disk(bed: Bed, disk: Path) -> Row:
    """The data folder's disk is full, and events come: the worker ends, and is started again."""
    supervisor = asyncio.create_task(bed.keep_alive())
    filler = disk / "filler"
    sending = asyncio.create_task(_visit(bed))

    async def fill() -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))

    async def empty() -> None:
        filler.unlink()

    try:
        return await bed.measure(
            "the data folder's disk full",
            fill,
            empty,
            alert="StreamagentsCrashLoop",
            words=("stuck", "stale", SILENT),
            over_s=700,
        )
    finally:
        for task in (sending, supervisor):
            task.cancel()
        await asyncio.wait([sending, supervisor])


async def _visit(bed: Bed) -> None:
    """Events all the time, with enough in them to fill a disk's last block."""
    for n in range(100_000):
        await bed.fleet.send("visit", [job(n, f"k{n}", note="x" * 2000)])
        await asyncio.sleep(0.1)


# -- nothing is to be said -----------------------------------------------------------------------


async def waiting(bed: Bed) -> None:
    """A parked retry, and a delayed event."""
    at = time.time() + _LONG_S
    await bed.fleet.send("visit", [job(1, "a", what="later", seconds=at)])
    soon = (datetime.now(UTC) + timedelta(seconds=_LONG_S)).isoformat().encode()
    await bed.fleet.send("visit", [job(2, "b")], headers=[("streamagents-not-before", soon)])


async def long_handler(bed: Bed) -> None:
    """A healthy handler that takes its time."""
    await bed.fleet.send("stay", [job(1, seconds=_LONG_S)])


async def rolling(beds: list[Bed]) -> None:
    """A deploy, one worker after the other, under load."""
    sending = asyncio.create_task(_visit(beds[0]))
    try:
        for bed in beds:
            await asyncio.to_thread(bed.fleet.stop, bed.process)
            bed.start()
            await bed.ready()
    finally:
        sending.cancel()
        await asyncio.wait([sending])
