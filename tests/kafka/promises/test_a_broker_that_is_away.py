"""A broker that goes away, or is not there yet, costs time and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
async def own_fleet(own_broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application on a broker that may be killed."""
    own_broker.start()
    async with Fleet(own_broker.address, tmp_path) as fleet:
        yield fleet


def once(numbers: range) -> Counter[int]:
    return Counter(dict.fromkeys(numbers, 1))


async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    own_fleet: Fleet, own_broker: EmbeddedBroker
) -> None:
    fleet = own_fleet
    fleet.start()
    await fleet.jobs(range(500), seconds=0.05)
    wait_until(lambda: len(fleet.lines("end")) > 100)
    own_broker.kill()
    own_broker.start()
    await fleet.jobs(range(500, 600))
    await fleet.settled(90)
    assert await fleet.done() == once(range(600))
    assert all(worker.poll() is None for worker in fleet.workers)


async def test_a_worker_waits_for_a_broker_that_is_away_at_its_start(
    own_fleet: Fleet, own_broker: EmbeddedBroker
) -> None:
    fleet = own_fleet
    await fleet.jobs(range(10))
    own_broker.stop()
    worker = fleet.start(ready=False)
    wait_until(lambda: "waiting_for_broker" in fleet.log.read_text(), 20)
    own_broker.start()
    await fleet.settled()
    assert worker.poll() is None
    assert await fleet.done() == once(range(10))


async def test_sigterm_ends_a_worker_whose_broker_is_gone(
    own_fleet: Fleet, own_broker: EmbeddedBroker
) -> None:
    worker = own_fleet.start(STREAMAGENTS_SHUTDOWN_GRACE_S="2")
    await own_fleet.jobs(range(50), seconds=1)
    wait_until(lambda: own_fleet.lines("start"))
    own_broker.kill()
    assert own_fleet.stop(worker, 40) == 0
    own_broker.start()
    own_fleet.start()
    await own_fleet.settled(90)
    assert await own_fleet.done() == once(range(50))
