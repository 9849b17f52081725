"""Ticks on real workers: one leads, and when it is killed another goes on; a slot runs once."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from streamagents.agents.tick import Tick
from streamagents.bus import KafkaBus
from streamagents.events import new_traceparent
from streamagents.pipeline.ticks import tick_record
from streamagents.runtime.partitioner import partition_of
from streamagents.topics import TICKS
from support import wait_until_async
from support.ticks_app import EVERY_S
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet(broker.address, tmp_path, module="support.ticks_app") as fleet:
        yield fleet


async def beats(fleet: Fleet, name: str = "pulse") -> list[datetime]:
    """The slots that became beats, in order."""
    found = [json.loads(record.value or b"") for record in await fleet.read("beat")]
    return sorted(datetime.fromisoformat(beat["slot"]) for beat in found if beat["name"] == name)


async def wait_for_beats(fleet: Fleet, number: int) -> None:
    async def there() -> bool:
        return len(await beats(fleet)) >= number

    await wait_until_async(there, 40)


async def leader_of(fleet: Fleet) -> int:
    """The process that leads, and has done so for a second and a half."""
    before = len(fleet.lines("leads"))

    def lately() -> list[int]:
        return [int(pid) for (pid,) in fleet.lines("leads")[before:][-3:]]

    await wait_until_async(lambda: len(lately()) > 2 and len(set(lately())) == 1, 30)
    return lately()[0]


def test_faust_lists_the_stream_of_the_ticks(fleet: Fleet) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "faust", "-A", fleet.module, "agents"],
        env=fleet.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "streamagents_ticks" in done.stdout


async def test_when_the_leader_is_killed_another_goes_on_and_no_slot_runs_twice(
    fleet: Fleet,
) -> None:
    workers = {worker.pid: worker for worker in (fleet.start(), fleet.start())}
    await wait_for_beats(fleet, 3)
    fleet.kill(workers.pop(await leader_of(fleet)))
    killed_with = len(await beats(fleet))
    await wait_until_async(lambda: int(fleet.lines("leads")[-1][0]) in workers, 40)
    await wait_for_beats(fleet, killed_with + 3)

    slots = await beats(fleet)
    steps = [later - earlier for earlier, later in pairwise(slots)]
    assert len(set(slots)) == len(slots)
    # While somebody leads no slot is left out; nobody did from the kill to the take-over, and
    # perhaps while the second worker joined.
    gaps = [step for step in steps if step != timedelta(seconds=EVERY_S)]
    assert len(gaps) <= 2, steps
    assert await fleet.read(f"{TICKS}.dlq") == []


@pytest.mark.long
async def test_while_the_broker_is_away_nothing_is_told_twice_and_ticks_go_on_when_it_is_back(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    async with Fleet(own_broker.address, tmp_path, module="support.ticks_app") as fleet:
        worker = fleet.start()
        await wait_for_beats(fleet, 2)
        own_broker.kill()
        await wait_until_async(lambda: "ticks_not_written" in fleet.log.read_text(), 40)
        own_broker.start()
        await wait_for_beats(fleet, len(await beats(fleet)) + 3)

        slots = await beats(fleet)
        assert len(set(slots)) == len(slots)
        assert fleet.log.read_text().count("ticks_not_written") == 1
        assert worker.poll() is None


async def test_a_tick_written_twice_and_one_of_another_app_and_of_a_name_that_is_gone(
    fleet: Fleet,
) -> None:
    worker = fleet.start()
    await wait_for_beats(fleet, 1)
    (slot,) = await beats(fleet, "slow")
    async with KafkaBus(fleet.bootstrap) as bus:
        for app, name in ((fleet.group, "slow"), ("other", "slow"), (fleet.group, "gone")):
            await bus.send(
                tick_record(
                    Tick(name=name, slot=slot),
                    app_id=app,
                    topic=fleet.topic(TICKS),
                    partition=partition_of(name.encode(), 4),
                    now=slot,
                    traceparent=new_traceparent(),
                )
            )
    await wait_for_beats(fleet, 3)
    assert fleet.stop(worker) == 0

    assert await beats(fleet, "slow") == [slot]
    assert fleet.log.read_text().count("tick_skipped") == 1
    assert await fleet.read(f"{TICKS}.dlq") == []


@pytest.mark.long
async def test_a_worker_that_starts_again_repeats_no_slot(fleet: Fleet) -> None:
    for _ in range(2):
        worker = fleet.start()
        await wait_for_beats(fleet, len(await beats(fleet)) + 2)
        assert fleet.stop(worker) == 0

    slots = await beats(fleet)
    assert len(set(slots)) == len(slots)
    assert len(await beats(fleet, "slow")) <= 2
