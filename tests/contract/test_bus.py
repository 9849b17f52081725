"""What `Bus` promises, asked of the one in memory and of those on Kafka."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import KafkaBus, LastingBus, read_all
from streamagents.errors import EventTooLargeError, InvalidEventError, TopicsError
from streamagents.ports import Outgoing, Position
from streamagents.testing import MemoryBus
from streamagents.topics import MAX_RECORD_BYTES
from support import wait_until_async
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from streamagents.ports import Record

PARTITIONS = 5
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""The hashes that Kafka's own UtilsTest expects of the Java client."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A bus with one topic, and a look at what the topic holds."""

    bus: MemoryBus | KafkaBus | LastingBus
    topic: str
    look: Callable[[], Awaitable[list[Record]]]

    def record(self, value: bytes | None = b"{}", **more: Any) -> Outgoing:
        return Outgoing(topic=self.topic, value=value, **{"key": b"k", **more})


@pytest.fixture(
    params=[
        "memory",
        pytest.param("kafka", marks=pytest.mark.kafka),
        pytest.param("lasting", marks=pytest.mark.kafka),
    ]
)
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    topic = f"bus-{uuid.uuid4().hex[:8]}"
    if request.param == "memory":
        memory = MemoryBus({topic: PARTITIONS})

        async def look() -> list[Record]:
            return list(memory.records(topic))

        yield Case(bus=memory, topic=topic, look=look)
        return
    address = request.getfixturevalue("broker").address
    limit = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    await create_topics(address, spec(topic, partitions=PARTITIONS, config=limit))
    kind = KafkaBus if request.param == "kafka" else LastingBus
    async with kind(address) as bus:
        if isinstance(bus, LastingBus):
            await wait_until_async(lambda: bus.is_reachable)
        yield Case(bus=bus, topic=topic, look=lambda: read_all(address, topic))


async def test_what_is_sent_is_kept_as_it_is(case: Case) -> None:
    headers = (("ce_id", b"1"), ("raw", b"\xff\x00"), ("again", b"a"), ("again", b"b"))

    position = await case.bus.send(
        case.record(b"\xffno json", key=b"\xfekey", headers=headers, timestamp=1_700_000_000_123)
    )

    (kept,) = await case.look()
    assert Position(kept.topic, kept.partition, kept.offset) == position
    assert (kept.key, kept.value) == (b"\xfekey", b"\xffno json")
    assert tuple(kept.headers) == headers
    assert kept.timestamp == 1_700_000_000_123


async def test_a_key_decides_on_the_partition_as_in_kafkas_own_clients(case: Case) -> None:
    positions = await case.bus.send_all([case.record(key=key) for key in MURMUR2])

    assert [position.partition for position in positions] == [
        (hashed & 0x7FFFFFFF) % PARTITIONS for hashed in MURMUR2.values()
    ]


async def test_a_named_partition_wins_over_the_key(case: Case) -> None:
    assert (await case.bus.send(case.record(partition=0))).partition == 0


async def test_records_of_a_partition_keep_the_order_they_were_given_in(case: Case) -> None:
    values = [b"%d" % number * (1 + number % 7 * 1500) for number in range(300)]

    positions = await case.bus.send_all([case.record(value) for value in values])

    assert [position.offset for position in positions] == list(range(300))
    assert [record.value for record in await case.look()] == values


async def test_nothing_to_send_is_nothing_to_wait_for(case: Case) -> None:
    assert await case.bus.send_all([]) == []


async def test_a_record_without_a_value_is_a_tombstone(case: Case) -> None:
    await case.bus.send(case.record(None))

    assert [record.value for record in await case.look()] == [None]


async def test_a_record_without_a_key_is_kept_without_one(case: Case) -> None:
    await case.bus.send(case.record(key=None))

    assert [record.key for record in await case.look()] == [None]


async def test_a_record_with_neither_key_nor_value_is_refused(case: Case) -> None:
    with pytest.raises(InvalidEventError, match="needs a key or a value"):
        await case.bus.send(case.record(None, key=None))


async def test_an_unknown_topic_is_named_with_the_command_that_makes_it(case: Case) -> None:
    with pytest.raises(
        TopicsError, match="nowhere does not exist: run `streamagents topics apply`"
    ):
        await case.bus.send(Outgoing(topic="nowhere", key=b"k", value=b"{}"))


async def test_an_unknown_partition_is_named(case: Case) -> None:
    with pytest.raises(TopicsError, match="has 5 partitions, none is number 5"):
        await case.bus.send(case.record(partition=5))


async def test_a_record_of_five_megabytes_is_kept(case: Case) -> None:
    await case.bus.send(case.record(bytes(5_000_000)))

    assert [len(record.value or b"") for record in await case.look()] == [5_000_000]


@pytest.mark.parametrize("size", [MAX_RECORD_BYTES + 1, 20_000_000])
async def test_a_record_beyond_the_topics_limit_is_refused(case: Case, size: int) -> None:
    with pytest.raises(EventTooLargeError, match=f"has {size + 1:,} bytes"):
        await case.bus.send(case.record(bytes(size)))

    assert await case.look() == []


async def test_the_records_beside_a_refused_one_are_kept(case: Case) -> None:
    records = [case.record(b"1"), case.record(bytes(MAX_RECORD_BYTES + 1), partition=0)]

    with pytest.raises(EventTooLargeError):
        await case.bus.send_all(records)

    assert [record.value for record in await case.look()] == [b"1"]
