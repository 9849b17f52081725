"""What `Together` and `Reader` promise, asked of those in memory and of those on Kafka."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import KafkaReader, KafkaTogether
from streamagents.errors import EventTooLargeError, TopicsError
from streamagents.ports import Outgoing
from streamagents.testing import MemoryBus
from streamagents.topics import MAX_RECORD_BYTES
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamagents.ports import Reader, Together


@dataclass(frozen=True, kw_only=True)
class Case:
    """A writer and a reader with two topics."""

    writer: Together
    reader: Reader
    topics: tuple[str, str]

    def record(self, value: bytes, topic: int = 0, **more: Any) -> Outgoing:
        return Outgoing(topic=self.topics[topic], value=value, **{"key": b"k", **more})

    async def look(self) -> list[bytes | None]:
        return sorted([r.value async for r in self.reader.read(self.topics)], key=str)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    topics = (f"one-{uuid.uuid4().hex[:8]}", f"two-{uuid.uuid4().hex[:8]}")
    if request.param == "memory":
        memory = MemoryBus(dict.fromkeys(topics, 4))
        yield Case(writer=memory, reader=memory, topics=topics)
        return
    address = request.getfixturevalue("broker").address
    limit = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    await create_topics(address, *(spec(topic, config=limit) for topic in topics))
    async with KafkaTogether(address) as writer:
        yield Case(writer=writer, reader=KafkaReader(address), topics=topics)


async def test_all_of_a_batch_are_there(case: Case) -> None:
    await case.writer.send_together([case.record(b"1"), case.record(b"2", topic=1)])
    await case.writer.send_together([case.record(b"3")])

    assert await case.look() == [b"1", b"2", b"3"]


async def test_of_a_batch_with_one_that_does_not_fit_none_is_there(case: Case) -> None:
    batch = [case.record(b"1"), case.record(bytes(MAX_RECORD_BYTES + 1), topic=1)]
    with pytest.raises(EventTooLargeError):
        await case.writer.send_together(batch)
    await case.writer.send_together([case.record(b"after")])

    assert await case.look() == [b"after"]


async def test_of_a_batch_to_a_topic_that_does_not_exist_none_is_there(case: Case) -> None:
    batch = [case.record(b"1"), Outgoing(topic="nowhere", key=b"k", value=b"2")]
    with pytest.raises(TopicsError, match="nowhere does not exist"):
        await case.writer.send_together(batch)
    await case.writer.send_together([case.record(b"after")])

    assert await case.look() == [b"after"]


async def test_a_header_name_that_is_no_utf8_is_kept(case: Case) -> None:
    name = b"x-\xff".decode("utf-8", "surrogateescape")
    headers = (("own", b"1"), (name, b"2"), ("null", None))
    record = case.record(b"odd", partition=1, headers=headers)
    await case.writer.send_together([case.record(b"before", partition=1), record])

    read = [r async for r in case.reader.read(case.topics)]
    assert [r.value for r in read] == [b"before", b"odd"]
    names = [(n.encode("utf-8", "surrogateescape"), v) for n, v in read[1].headers]
    assert names == [(b"own", b"1"), (b"x-\xff", b"2"), (b"null", None)]


async def test_a_topic_to_read_that_does_not_exist_is_named(case: Case) -> None:
    with pytest.raises(TopicsError, match="no topic to read: nowhere"):
        [record async for record in case.reader.read(["nowhere"])]


async def test_nothing_is_read_of_topics_that_hold_nothing(case: Case) -> None:
    assert await case.look() == []
