"""What folders and foreign queues hand in is kept, once, whoever is killed on the way."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer
from redis import asyncio as redis

from streamagents.bus import KafkaAdmin
from support import wait_until, wait_until_async
from support.ears import MODULE, Ear
from support.topics import create_topics, spec
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker
    from streamagents.ports import Record

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with running_fleet(broker, tmp_path) as fleet:
        yield fleet


def running_fleet(broker: EmbeddedBroker, folder: Path, redis_url: str = "") -> Fleet:
    (folder / "drop").mkdir()
    made = Fleet(broker.address, folder, module=MODULE, EARS_REDIS=redis_url or "redis://nowhere")
    made.environment |= {"EARS_FOLDER": str(folder / "drop"), "EARS_TOPIC": f"{made.prefix}old"}
    return made


class Ears:
    """Starts commands; none outlives the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Ear] = []

    def start(self, fleet: Fleet, *arguments: str) -> Ear:
        ear = Ear(
            self._folder / f"ear-{len(self._all)}.log", fleet.environment, *arguments, "-A", MODULE
        )
        self._all.append(ear)
        return ear

    def end(self) -> None:
        for ear in self._all:
            if ear.process.poll() is None:
                ear.kill()


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[Ears]:
    started = Ears(tmp_path)
    yield started
    started.end()


def ids(records: list[Record]) -> Counter[str]:
    return Counter(dict(record.headers)["ce_id"].decode() for record in records)


def old_orders(numbers: range) -> list[tuple[bytes, bytes]]:
    return [
        (b"k%d" % (n % 20), b'{"order": {"no": %d, "customer": {"mail": "k%d"}}}' % (n, n % 20))
        for n in numbers
    ]


async def booked(fleet: Fleet) -> Counter[int]:
    return Counter(json.loads(record.value or b"")["n"] for record in await fleet.read("booked"))


async def committed(fleet: Fleet, bridge: str = "old") -> int:
    async with KafkaAdmin(fleet.bootstrap) as admin:
        return sum((await admin.committed(f"{fleet.group}-bridge-{bridge}")).values())


async def test_each_record_of_a_foreign_topic_is_one_event_though_the_bridge_is_killed_twice(
    fleet: Fleet, ears: Ears
) -> None:
    total = 2000
    await create_topics(fleet.bootstrap, spec(fleet.topic("old"), partitions=3))
    await fleet.send("old", old_orders(range(total // 2)))
    fleet.start()

    for share in (0.1, 0.6):
        bridge = ears.start(fleet, "bridge", "old")
        await wait_until_async(partial(reached, fleet, int(share * total / 2)), 60)
        bridge.kill()
        await fleet.send("old", old_orders(range(total // 2, total)) if share == 0.1 else [])
    bridge = ears.start(fleet, "bridge", "old")
    await wait_until_async(lambda: reached(fleet, total), 90)
    assert bridge.stop() == 0
    await fleet.settled()

    seen = ids(await fleet.read("sale"))
    assert len(seen) == total
    assert all(id_.startswith(f"{fleet.prefix}old:") for id_ in seen)
    assert await booked(fleet) == Counter(range(total))
    assert "Traceback" not in bridge.said()


async def reached(fleet: Fleet, offset: int) -> bool:
    return await committed(fleet) >= offset


@pytest.mark.long
async def test_two_bridges_share_the_partitions_and_one_may_leave(fleet: Fleet, ears: Ears) -> None:
    await create_topics(fleet.bootstrap, spec(fleet.topic("old"), partitions=4))
    first = ears.start(fleet, "bridge", "old")
    first.wait_for("bridging")
    await fleet.send("old", old_orders(range(300)))
    second = ears.start(fleet, "bridge", "old")
    second.wait_for("bridging")
    await fleet.send("old", old_orders(range(300, 600)))
    assert first.stop() == 0
    await fleet.send("old", old_orders(range(600, 900)))
    await wait_until_async(lambda: reached(fleet, 900), 60)
    assert second.stop() == 0

    assert len(ids(await fleet.read("sale"))) == 900


async def test_order_of_a_partition_is_kept_and_poison_goes_to_the_inbox(
    fleet: Fleet, ears: Ears
) -> None:
    await create_topics(fleet.bootstrap, spec(fleet.topic("old"), partitions=1))
    await fleet.send("old", old_orders(range(100)))
    await fleet.send("old", [(b"k", b"\xff\xfe"), (b"k", None), (b"k", b'{"order": {}}')])
    await fleet.send("old", old_orders(range(100, 200)))
    bridge = ears.start(fleet, "bridge", "old")
    await wait_until_async(lambda: reached(fleet, 203), 60)
    assert bridge.stop() == 0

    sales = await fleet.read("sale")
    for partition in range(4):
        numbers = [json.loads(r.value or b"")["n"] for r in sales if r.partition == partition]
        assert numbers == sorted(numbers)
    assert len(sales) == 200
    told = [json.loads(record.value or b"") for record in await fleet.read("streamagents.inbox")]
    # A place, and when the record was written: a topic that is made anew has the same places.
    places = [each["id"].rpartition(":")[2].partition("@")[0] for each in told]
    assert sorted(places) == ["100", "101", "102"]
    assert "unmapped=3" in bridge.said()


@pytest.mark.long
async def test_what_an_aborted_transaction_wrote_is_not_bridged(fleet: Fleet, ears: Ears) -> None:
    topic = fleet.topic("old")
    await create_topics(fleet.bootstrap, spec(topic, partitions=1))
    ((key, aborted), (_, kept)) = old_orders(range(2))
    async with AIOKafkaProducer(
        bootstrap_servers=fleet.bootstrap, transactional_id=topic
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, aborted, key=key)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, kept, key=key)
        await producer.commit_transaction()
    bridge = ears.start(fleet, "bridge", "old")
    await wait_until_async(lambda: reached(fleet, 3), 60)
    assert bridge.stop() == 0

    assert [json.loads(r.value or b"")["n"] for r in await fleet.read("sale")] == [1]


@pytest.mark.long
async def test_a_broker_that_goes_away_holds_the_bridge_up_and_nothing_is_lost(
    own_broker: EmbeddedBroker, tmp_path: Path, ears: Ears
) -> None:
    own_broker.start()
    async with running_fleet(own_broker, tmp_path) as fleet:
        await create_topics(fleet.bootstrap, spec(fleet.topic("old"), partitions=2))
        await fleet.send("old", old_orders(range(200)))
        bridge = ears.start(fleet, "bridge", "old")
        watch = ears.start(fleet, "watch")
        watch.wait_for("watching")
        await wait_until_async(lambda: reached(fleet, 200), 60)
        await asyncio.to_thread(own_broker.stop)
        drop(tmp_path, "a.csv", range(50))
        watch.wait_for("waiting_for_broker", timeout_s=60)
        assert (tmp_path / "drop/a.csv").exists()
        await asyncio.to_thread(own_broker.start)
        await fleet.send("old", old_orders(range(200, 400)))
        watch.wait_for("file_done", timeout_s=60)
        await wait_until_async(lambda: reached(fleet, 400), 60)
        assert (bridge.stop(), watch.stop()) == (0, 0)

        assert len(ids(await fleet.read("sale"))) == 450
        assert watch.said().count("waiting_for_broker") == 1
        assert "Traceback" not in bridge.said() + watch.said()


async def test_a_watcher_that_is_killed_again_and_again_sends_each_row_under_one_id(
    fleet: Fleet, ears: Ears, tmp_path: Path
) -> None:
    fleet.start()
    rows = 6_000
    for part in range(3):
        drop(tmp_path, f"part-{part}.csv", range(part * rows, (part + 1) * rows))
    seen = 0
    for _ in range(2):
        watch = ears.start(fleet, "watch", "drop")
        await wait_until_async(partial(grown, fleet, seen + 1000), 60)
        watch.kill()
        seen = await written(fleet)
    watch = ears.start(fleet, "watch", "drop")
    wait_until(lambda: len(list((tmp_path / "drop/done").glob("*.csv"))) == 3, 90)
    assert watch.stop() == 0

    assert len(ids(await fleet.read("sale"))) == 3 * rows
    assert list((tmp_path / "drop").glob("*.csv")) == []


async def written(fleet: Fleet) -> int:
    async with KafkaAdmin(fleet.bootstrap) as admin:
        return sum((await admin.end_offsets([fleet.topic("sale")])).values())


async def grown(fleet: Fleet, size: int) -> bool:
    return await written(fleet) >= size


def drop(folder: Path, name: str, numbers: range) -> None:
    draft = folder / "drop" / f"{name}.tmp"
    draft.write_text("n,who\n" + "".join(f"{n},k{n % 20}\n" for n in numbers))
    draft.rename(folder / "drop" / name)


async def test_entries_of_redis_are_events_once_though_the_bridge_is_killed(
    broker: EmbeddedBroker, redis_server: Any, tmp_path: Path, ears: Ears
) -> None:
    async with (
        running_fleet(broker, tmp_path, redis_server.url) as fleet,
        redis.Redis.from_url(redis_server.url) as client,
    ):
        await client.delete("sales")
        fleet.start()
        for n in range(1000):
            await client.xadd("sales", {"n": str(n), "who": f"k{n % 20}"})
        bridge = ears.start(fleet, "bridge", "redis")
        await wait_until_async(lambda: grown(fleet, 1), 60)
        bridge.kill()
        bridge = ears.start(fleet, "bridge", "redis")
        bridge.wait_for("bridging")  # or SIGTERM meets it before it listens, if nothing is left

        async def acknowledged() -> bool:
            (group,) = await client.xinfo_groups("sales")
            return bool(group["pending"] == 0 and group["lag"] == 0)

        await wait_until_async(acknowledged, 60)
        assert bridge.stop() == 0
        await fleet.settled()

        assert len(ids(await fleet.read("sale"))) == 1000
        assert await booked(fleet) == Counter(range(1000))
        assert "redis-marker" not in bridge.said()
