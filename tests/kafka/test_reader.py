"""The reader against what makes offsets lie: transactions, compaction, and records to come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from streamagents.bus import KafkaAdmin, KafkaBus, TopicReader, read_all, read_tail
from streamagents.errors import TopicsError
from streamagents.ports import Outgoing
from support.odd_headers import produce_an_odd_header
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.kafka


async def transaction(address: str, topic: str, value: bytes, *, commit: bool) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, value, key=b"k")
        await (producer.commit_transaction() if commit else producer.abort_transaction())


async def test_only_what_is_committed_is_read_and_control_records_end_nothing(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=2))
    for number in range(4):
        await transaction(broker.address, topic, b"%d" % number, commit=number % 2 == 0)

    assert [record.value for record in await read_all(broker.address, topic)] == [b"0", b"2"]


async def test_an_open_transaction_holds_back_its_partition_but_not_the_reader(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=1))
    async with AIOKafkaProducer(
        bootstrap_servers=broker.address, transactional_id=topic
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", key=b"k")
        async with KafkaAdmin(broker.address) as admin:
            ends = await admin.end_offsets([topic])
        held_back = await read_all(broker.address, topic)
        await producer.commit_transaction()

    assert ends == {(topic, 0): 0}
    assert held_back == []


async def test_a_follower_gets_what_comes_later(broker: EmbeddedBroker, topic: str) -> None:
    await create_topics(broker.address, spec(topic))
    async with KafkaBus(broker.address) as bus, TopicReader(broker.address, [topic]) as reader:
        await bus.send(Outgoing(topic=topic, key=b"k", value=b"0"))
        seen = []
        async with asyncio.timeout(10):
            async for record in reader.follow():
                seen.append(record.value)
                if len(seen) == 3:
                    break
                value = b"%d" % len(seen)
                await bus.send(Outgoing(topic=topic, key=b"k", value=value))

    assert seen == [b"0", b"1", b"2"]


async def test_reading_to_the_end_twice_reads_nothing_twice(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic))
    async with KafkaBus(broker.address) as bus, TopicReader(broker.address, [topic]) as reader:
        await bus.send(Outgoing(topic=topic, key=b"a", value=b"1"))
        first = [record.value async for record in reader.to_end()]
        await bus.send(Outgoing(topic=topic, key=b"b", value=b"2"))
        second = [record.value async for record in reader.to_end()]

    assert (first, second) == ([b"1"], [b"2"])


async def test_a_header_name_that_is_no_utf8_is_read_as_it_is(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic))
    await asyncio.to_thread(produce_an_odd_header, broker.address, topic)

    (read,) = await read_all(broker.address, topic)
    assert [(name.encode(), value) for name, value in read.headers] == [(b"\xff", b"x")]


async def test_a_topic_that_is_not_there_is_named(broker: EmbeddedBroker, topic: str) -> None:
    with pytest.raises(TopicsError, match=f"no topic to read: {topic}"):
        await read_all(broker.address, topic)


async def test_a_reader_can_be_closed_as_soon_as_it_is_open(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic))

    async with TopicReader(broker.address, [topic]):
        pass


async def test_the_tail_begins_so_many_offsets_before_the_end_of_each_partition(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=2))
    async with KafkaBus(broker.address) as bus:
        for number in range(7):
            value = b"%d" % number
            await bus.send(Outgoing(topic=topic, key=b"k", value=value, partition=number % 2))

    async def tail(last: int) -> list[bytes]:
        found = await read_tail(broker.address, topic, last=last)
        return sorted(record.value or b"" for record in found)

    assert await tail(2) == [b"3", b"4", b"5", b"6"]
    assert len(await tail(100)) == 7
    assert await tail(0) == []
