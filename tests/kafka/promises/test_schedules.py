"""Schedules on real workers: a slot is one event, and `streamagents status` tells of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.agents.tick import Tick, tick_id
from streamagents.bus import KafkaBus
from streamagents.events import new_traceparent
from streamagents.pipeline.ticks import tick_record
from streamagents.runtime.partitioner import partition_of
from streamagents.topics import TICKS
from streamagents.triggers.cron import Cron
from support import wait_until_async
from support.commands import CHECKOUT, streamagents
from support.workers import MODULE, Fleet, header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

NAME = "minutely"
SCHEDULES = {
    NAME: {
        "cron": "* * * * *",
        "zone": "Europe/Berlin",
        "type": "job",
        "data": {"n": 1, "who": "a"},
    }
}


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application with a schedule out of its settings."""
    async with Fleet(
        broker.address, tmp_path, STREAMAGENTS_SCHEDULES=json.dumps(SCHEDULES)
    ) as fleet:
        yield fleet


async def tick(fleet: Fleet, slot: datetime) -> None:
    """Write a tick, as a leader does it whose clock is a little ahead."""
    async with KafkaBus(fleet.bootstrap) as bus:
        await bus.send(
            tick_record(
                Tick(name=NAME, slot=slot),
                app_id=fleet.group,
                topic=fleet.topic(TICKS),
                partition=partition_of(NAME.encode(), 4),
                now=slot,
                traceparent=new_traceparent(),
            )
        )


async def fired(fleet: Fleet) -> list[str]:
    return [header(record, "ce_id") for record in await fleet.read("job")]


def told(fleet: Fleet) -> dict[str, Any]:
    done = streamagents(
        "status",
        "--json",
        env={
            **fleet.environment,
            "STREAMAGENTS_APP": MODULE,
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
        },
    )
    assert done.returncode == 0, done.stderr
    (schedule,) = json.loads(done.stdout)["schedules"]
    found: dict[str, Any] = schedule
    return found


async def test_a_slot_is_one_event_over_a_kill_and_status_tells_what_became_of_it(
    fleet: Fleet,
) -> None:
    assert told(fleet)["last"] is None
    worker = fleet.start()
    await wait_until_async(lambda: "schedule_begins" in fleet.log.read_text(), 30)
    following = Cron("* * * * *").next(datetime.now(UTC))
    assert following is not None
    for _ in range(2):
        await tick(fleet, following)

    async def has_fired() -> bool:
        return tick_id(NAME, following) in await fired(fleet)

    await wait_until_async(has_fired, 30)
    fleet.kill(worker)
    await tick(fleet, following)
    fleet.start()
    await fleet.settled()

    ids = await fired(fleet)
    assert ids.count(tick_id(NAME, following)) == 1
    (record, *_) = await fleet.read("job")
    assert header(record, "ce_source") == f"cron/{NAME}"
    assert await fleet.letters(TICKS) == []
    asked_at = datetime.now(UTC)
    found = told(fleet)
    assert (found["cron"], found["zone"]) == ("* * * * *", "Europe/Berlin")
    assert datetime.fromisoformat(found["next"]) > asked_at
    # A new minute may just have begun.
    await wait_until_async(lambda: told(fleet)["last"]["outcome"] == "fired", 30)
