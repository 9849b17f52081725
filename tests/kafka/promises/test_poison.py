"""Promise 5: a poison event cannot kill the fleet, and bystanders never pay."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.workers import header, job

if TYPE_CHECKING:
    import subprocess

    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


async def supervised(fleet: Fleet, worker: subprocess.Popen[bytes], deaths: list[int]) -> None:
    """Start a worker again whenever it dies, as systemd or Kubernetes would."""
    while True:
        deaths.append(await asyncio.to_thread(worker.wait))
        worker = await asyncio.to_thread(fleet.start, ready=False)


async def test_only_the_event_that_kills_its_workers_is_dead_lettered(fleet: Fleet) -> None:
    deaths: list[int] = []
    supervisor = asyncio.create_task(supervised(fleet, fleet.start(), deaths))
    poison = job(0, "poison", what="kill")
    bystanders = [job(n, f"k{n}", seconds=3.0) for n in range(1, 60)]
    await fleet.send("job", [*bystanders[:30], poison, job(99, "poison"), *bystanders[30:]])
    await fleet.settled(200)
    supervisor.cancel()
    (letter,) = await fleet.letters()
    assert (letter.key, letter.value) == poison
    assert header(letter, "streamagents-error-code") == "crash"
    assert len(deaths) == 5
    assert len(await fleet.done()) == 60
    assert set((await fleet.done()).values()) == {1}


def started(fleet: Fleet, times: int) -> bool:
    return len(fleet.lines("start")) == times


async def test_a_deploy_is_no_crime_however_often_it_hits_the_same_event(fleet: Fleet) -> None:
    await fleet.send("job", [job(1, seconds=60)])
    for number in range(1, 5):
        worker = fleet.start(STREAMAGENTS_SHUTDOWN_GRACE_S="0")
        wait_until(partial(started, fleet, number))
        assert fleet.stop(worker) == 0
    assert not await fleet.letters()
    assert not await fleet.done()
