"""Promises 1 and 2: nothing is lost, nothing that finished runs again. Real processes, signals."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from streamagents.bus import KafkaAdmin
from support import wait_until, wait_until_async
from support.workers import job

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def once(numbers: range) -> Counter[int]:
    return Counter(dict.fromkeys(numbers, 1))


async def test_a_worker_killed_in_mid_flight_loses_nothing_and_emits_nothing_twice(
    fleet: Fleet,
) -> None:
    worker = fleet.start()
    await fleet.jobs(range(1000), seconds=0.1)
    wait_until(lambda: len(fleet.lines("end")) > 200)
    fleet.kill(worker)
    fleet.start()
    await fleet.settled()
    assert await fleet.done() == once(range(1000))


async def test_a_second_worker_joins_under_load_and_nothing_runs_twice(fleet: Fleet) -> None:
    fleet.start()
    await fleet.jobs(range(3000), seconds=0.05)
    wait_until(lambda: len(fleet.lines("end")) > 200)
    fleet.start(ready=False)
    await fleet.settled()
    assert await fleet.done() == once(range(3000))
    assert Counter(int(n) for n, *_ in fleet.lines("end")) == once(range(3000))


async def test_both_workers_get_partitions_and_one_takes_over_when_the_other_leaves(
    fleet: Fleet,
) -> None:
    first = fleet.start()
    second = fleet.start()
    await fleet.jobs(range(200), keys=100)
    await fleet.settled()
    assert {pid for *_, pid in fleet.lines("end")} == {str(first.pid), str(second.pid)}
    assert fleet.stop(first) == 0
    await fleet.jobs(range(200, 400), keys=100)
    await fleet.settled()
    assert await fleet.done() == once(range(400))


async def test_a_worker_frozen_longer_than_its_session_writes_nothing_afterwards(
    fleet: Fleet,
) -> None:
    frozen = fleet.start()
    await fleet.jobs(range(400), seconds=0.2)
    wait_until(lambda: len(fleet.lines("end")) > 50)
    frozen.send_signal(signal.SIGSTOP)
    fleet.start()  # begins when the frozen one's session is over
    await wait_until_async(lambda: len(set(ends(fleet))) == 400, 60)
    frozen.send_signal(signal.SIGCONT)
    await fleet.jobs(range(400, 500))
    await fleet.settled()
    assert await fleet.done() == once(range(500))


def ends(fleet: Fleet) -> list[int]:
    return [int(n) for n, *_ in fleet.lines("end")]


async def test_a_slow_head_is_not_lost_behind_fast_followers(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.send("job", [job(0, "slow", seconds=30)], partition=None)
    wait_until(lambda: fleet.lines("start"))
    await fleet.jobs(range(1, 500))
    wait_until(lambda: len(fleet.lines("end")) == 499)
    await committed_some(fleet)
    fleet.kill(worker)
    fleet.start()
    wait_until(lambda: len([n for n, *_ in fleet.lines("start") if n == "0"]) == 2)
    assert await fleet.done() == once(range(1, 500))


async def committed_some(fleet: Fleet) -> None:
    async def some() -> bool:
        async with KafkaAdmin(fleet.bootstrap) as admin:
            return sum((await admin.committed(fleet.group)).values()) > 100

    await wait_until_async(some)


async def test_a_first_start_on_a_backlog_begins_at_the_beginning(fleet: Fleet) -> None:
    await fleet.jobs(range(5000), keys=500)
    fleet.start()
    fleet.start(ready=False)  # a rebalance before the first commit
    await fleet.settled()
    assert await fleet.done() == once(range(5000))


async def test_ten_thousand_duplicates_are_skipped(fleet: Fleet) -> None:
    fleet.start()
    await fleet.jobs(range(100))
    await fleet.jobs([n % 100 for n in range(10_000)])
    await fleet.settled()
    assert await fleet.done() == once(range(100))
    assert Counter(ends(fleet)) == once(range(100))


@pytest.mark.parametrize("folder", ["kept", "wiped"])
async def test_seen_ids_survive_a_kill_with_the_data_folder(fleet: Fleet, folder: str) -> None:
    worker = fleet.start()
    await fleet.jobs(range(300))
    await fleet.settled()
    fleet.kill(worker)
    if folder == "wiped":
        shutil.rmtree(fleet.data)
    fleet.start()
    await fleet.jobs(range(310))
    await fleet.settled()
    assert Counter(ends(fleet)) == once(range(310))


async def test_a_changelog_that_ends_with_an_aborted_transaction_is_recovered(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.jobs(range(100))
    await fleet.settled()
    assert fleet.stop(worker) == 0
    await abort_a_write(fleet, fleet.topic("jobs-state-p4-changelog"))
    shutil.rmtree(fleet.data)
    fleet.start()
    await fleet.jobs(range(110))
    await fleet.settled()
    assert Counter(ends(fleet)) == once(range(110))


async def test_what_a_transactional_producer_aborts_is_not_handled(fleet: Fleet) -> None:
    fleet.start()
    await fleet.jobs(range(50))
    await abort_a_write(fleet, fleet.topic("job"), job(999)[1])
    await fleet.jobs(range(50, 100))
    await fleet.settled()
    assert await fleet.done() == once(range(100))


async def abort_a_write(fleet: Fleet, topic: str, value: bytes = b"aborted") -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=fleet.bootstrap, transactional_id=f"{fleet.prefix}foreign"
    )
    await producer.start()
    for partition in range(4):
        await producer.begin_transaction()
        await producer.send_and_wait(topic, value, key=b"x", partition=partition)
        await producer.abort_transaction()
    await producer.stop()
