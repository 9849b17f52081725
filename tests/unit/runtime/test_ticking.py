"""Ticking: time goes on for every partition, whatever happens in one of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streamagents.pipeline.mark import NewerFormatError
from streamagents.runtime import engine as engine_module
from streamagents.runtime.engine import Engine
from support import wait_until_async
from support.bench import worker
from support.records import turns


class Partition:
    """Counts its ticks; fails when it is told to."""

    def __init__(self) -> None:
        self.ticks, self.dropped, self.closed = 0, False, False
        self.error: BaseException | None = None
        self.admitted: list[Partition] = []
        """Partitions that were let begin, in order; shared by those of a test."""

    def tick(self) -> None:
        self.ticks += 1
        if self.error is not None:
            raise self.error

    def admit(self) -> None:
        self.admitted.append(self)
        if self.error is not None:
            raise self.error

    def drop(self) -> None:
        self.dropped = True

    async def close(self) -> None:
        self.closed = True


class App:
    """Faust, as the engine uses it here."""

    def __init__(self) -> None:
        self.should_stop = False
        self.rejoined = 0
        self.crashes: list[BaseException] = []
        self.consumer = SimpleNamespace(rejoin=self._rejoin)

    def _rejoin(self) -> None:
        self.rejoined += 1

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)


class Desk:
    def __init__(self) -> None:
        self.app, self.worker = App(), worker()
        self.engine = Engine(
            self.app, sources={}, worker=self.worker, tables={}, limit=1000, release_s=1
        )
        self.partitions = [Partition() for _ in range(3)]
        self.engine._owned = {
            (4, number): cast("Any", partition) for number, partition in enumerate(self.partitions)
        }

    async def stop(self) -> None:
        self.app.should_stop = True
        await wait_until_async(lambda: not self.engine._tasks)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_TICK_S", 0.001)
    monkeypatch.setattr(engine_module, "_REJOIN_S", 0.001)


async def test_every_partition_ticks_until_the_worker_stops() -> None:
    desk = Desk()
    desk.engine.start_ticking()
    await wait_until_async(lambda: all(one.ticks > 3 for one in desk.partitions))
    await desk.stop()
    before = [one.ticks for one in desk.partitions]
    await turns()

    assert [one.ticks for one in desk.partitions] == before


async def test_a_partition_that_fails_is_given_up_and_the_others_go_on() -> None:
    desk = Desk()
    desk.partitions[1].error = RuntimeError("a defect")
    desk.engine.start_ticking()
    await wait_until_async(lambda: desk.partitions[2].ticks > 5)
    await wait_until_async(lambda: desk.app.rejoined)

    assert (desk.partitions[1].ticks, desk.partitions[1].closed) == (1, True)
    assert set(desk.engine._owned) == {(4, 0), (4, 2)}
    assert desk.app.crashes == []
    await desk.stop()


async def test_a_state_of_a_newer_version_stops_the_worker() -> None:
    desk = Desk()
    error = NewerFormatError("format 2")
    desk.partitions[0].error = error
    desk.engine.start_ticking()
    await wait_until_async(lambda: desk.app.crashes)

    assert (desk.app.crashes, desk.app.rejoined) == ([error], 0)
    await desk.stop()


async def test_pauses_end_by_the_clock() -> None:
    desk = Desk()
    pauses, clock = desk.worker.pauses, cast("Any", desk.worker.clock)
    pauses.pause("Lead", until=clock.now() + timedelta(seconds=60), reason="budget")
    desk.engine.start_ticking()
    await asyncio.sleep(0.01)
    assert pauses.held("Lead")
    clock.advance(60)
    await wait_until_async(lambda: not pauses.held("Lead"))

    await desk.stop()


async def test_room_is_offered_once_to_all_partitions_and_to_no_one_always_first() -> None:
    desk = Desk()
    admitted: list[Partition] = []
    for partition in desk.partitions:
        partition.admitted = admitted
    for _ in range(100):
        desk.worker.gate.on_room()
        desk.worker.gate.on_room()
        await turns(2)

    assert len(admitted) == 300
    assert {desk.partitions.index(first) for first in admitted[::3]} == {0, 1, 2}


async def test_a_partition_that_cannot_begin_is_given_up_and_the_others_do() -> None:
    desk = Desk()
    broken, sound, _ = desk.partitions
    broken.error = RuntimeError("a defect")
    desk.worker.gate.on_room()
    await turns()

    assert (broken.dropped, sound.dropped, sound.admitted) == (True, False, [sound])
    await desk.stop()
