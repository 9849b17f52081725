"""A worker that has to learn what others knew, and partitions that change hands again and again."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from rocksdict import AccessType, Options, Rdict

from streamagents.bus import KafkaAdmin
from streamagents.pipeline.mark import done_mark
from streamagents.runtime.internals import OFFSET_KEY
from support import wait_until_async
from support.workers import START_S

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

PARTITIONS = 4
IDS = 40_000
LEARNED = 256 << 10
"""Bytes of a few thousand ids."""
"""In each partition of the changelog."""
_TRANSACTION = 500


async def remember(fleet: Fleet, partition: int, ids: range) -> None:
    """Let the changelog know ids of a topic that nobody reads; every tenth is forgotten again.

    Of every few transactions one is aborted, and the last of all is.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=fleet.bootstrap,
        transactional_id=f"{fleet.group}-filler-{partition}",
        max_batch_size=1 << 20,
    )
    await producer.start()
    try:
        for number, start in enumerate(range(ids.start, ids.stop, _TRANSACTION)):
            await producer.begin_transaction()
            batch = producer.create_batch()
            for id_ in range(start, min(start + _TRANSACTION, ids.stop)):
                value = done_mark(at=id_, key=b"k", digest=bytes(8), attempts=1, replay=0)
                old = (number % 3 == 0 and start > ids.start) or start + _TRANSACTION >= ids.stop
                for key, seen in ((id_, value), (id_ - 10, None if id_ % 10 == 0 else b"")):
                    name = b"e\0nobody\0kaaaaaaaa0\0\0" + b"%d" % key
                    if seen != b"":
                        batch.append(key=name, value=seen, timestamp=None, headers=[])
            sent = await producer.send_batch(
                batch, f"{fleet.group}-state-p4-changelog", partition=partition
            )
            await sent
            await (producer.abort_transaction() if old else producer.commit_transaction())
    finally:
        await producer.stop()


async def filled(fleet: Fleet) -> None:
    await asyncio.gather(*(remember(fleet, n, range(IDS)) for n in range(PARTITIONS)))


def rocksdbs(fleet: Fleet) -> dict[int, tuple[dict[bytes, bytes], int]]:
    """By partition: what the only worker has on its disk, and up to which offset."""
    found = {}
    for path in fleet.data.glob("*/worker-0/v1/tables/state-p4-*.db"):
        db = Rdict(str(path), options=Options(raw_mode=True), access_type=AccessType.read_only())
        rows = dict(db.items())
        db.close()
        held = int(rows.pop(OFFSET_KEY, b"-1"))
        found[int(path.stem.rpartition("-")[2])] = (rows, held)
    return found


async def assert_prefixes(fleet: Fleet) -> int:
    """Every RocksDB is what the changelog says up to its own offset; how much there is in all."""
    changelog = await fleet.read(f"{fleet.name}-state-p4-changelog")
    disks = rocksdbs(fleet)
    for partition, (rows, held) in disks.items():
        expected = {
            record.key: record.value
            for record in changelog
            if record.partition == partition and record.offset <= held
        }
        assert rows == {key: value for key, value in expected.items() if value is not None}
    return sum(len(rows) for rows, _ in disks.values())


def on_disk(fleet: Fleet) -> int:
    """Bytes of the state's files, as they grow while a worker learns."""
    tables = fleet.data.glob("*/worker-0/v1/tables/state-p4-*.db/*.log")
    return sum(path.stat().st_size for path in tables)


async def begun(fleet: Fleet, what: str, times: int) -> None:
    """Wait until the log has said something so often."""
    await wait_until_async(lambda: fleet.log.read_text().count(what) >= times, 40)


async def test_a_worker_that_is_killed_while_it_learns_goes_on_where_it_was(fleet: Fleet) -> None:
    await filled(fleet)
    learned = []
    for number in range(1, 4):
        worker = fleet.start(ready=False)
        await begun(fleet, "Restoring state", number)
        before = on_disk(fleet)
        await wait_until_async(lambda: on_disk(fleet) > before + LEARNED, 40)  # noqa: B023
        fleet.kill(worker)
        learned.append(await assert_prefixes(fleet))
    worker = fleet.start()
    assert fleet.stop(worker) == 0

    # How far it comes in a moment is the machine's affair; that it went on each time, is ours.
    assert 0 < learned[0] < learned[1] < learned[2] < await assert_prefixes(fleet)
    async with KafkaAdmin(fleet.bootstrap) as admin:
        ends = await admin.end_offsets([f"{fleet.group}-state-p4-changelog"])
    held = {partition: held for partition, (_, held) in rocksdbs(fleet).items()}
    assert held == {partition: end - 1 for (_, partition), end in ends.items()}


async def test_a_worker_without_its_disk_knows_what_it_knew(fleet: Fleet) -> None:
    await filled(fleet)
    worker = fleet.start()
    await fleet.jobs(range(500))
    await fleet.settled()
    assert fleet.stop(worker) == 0
    known = {n: rows for n, (rows, _) in rocksdbs(fleet).items()}
    shutil.rmtree(fleet.data)
    worker = fleet.start()
    await fleet.jobs(range(600))
    await fleet.settled()
    assert fleet.stop(worker) == 0

    assert Counter(int(n) for n, *_ in fleet.lines("end")) == Counter(range(600))
    await assert_prefixes(fleet)
    for partition, (rows, _) in rocksdbs(fleet).items():
        marks = {key for key in known[partition] if key.startswith(b"e\0")}
        assert marks <= rows.keys()


async def test_partitions_that_change_hands_again_and_again_end_no_worker(fleet: Fleet) -> None:
    """Standbys come and go with every change, too."""
    stays = [fleet.start(), fleet.start()]
    sent = 0
    for _ in range(4):
        guest = fleet.start(ready=False)
        begun, until = changes(fleet), time.monotonic() + START_S
        while changes(fleet) < begun + 3:
            assert time.monotonic() < until, "the guest does not join"
            await fleet.jobs(range(sent, sent + 100), keys=1000)
            sent += 100
            assert [worker.poll() for worker in stays] == [None, None]
            await asyncio.sleep(0.2)
        assert fleet.stop(guest) == 0
    await fleet.settled(120)

    assert [worker.poll() for worker in stays] == [None, None]
    assert [fleet.stop(worker) for worker in stays] == [0, 0]
    assert Counter(int(n) for n, *_ in fleet.lines("end")) == Counter(range(sent))
    log = fleet.log.read_text()
    assert "Traceback" not in log
    assert "without a gap" not in log


def changes(fleet: Fleet) -> int:
    """How often a worker was told which partitions are its own."""
    return fleet.log.read_text().count("Executing _on_partitions_assigned")
