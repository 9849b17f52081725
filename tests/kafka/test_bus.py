"""What only a real broker can do to the bus: go away, and lose a topic."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streamagents.bus import KafkaBus, read_all
from streamagents.errors import BrokerUnavailableError, TopicsError
from streamagents.ports import Outgoing
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.kafka


def record(topic: str, value: bytes = b"{}") -> Outgoing:
    return Outgoing(topic=topic, key=b"k", value=value)


async def test_a_broker_that_went_away_is_told_in_time_and_closing_does_not_wait_for_it(
    own_broker: EmbeddedBroker, topic: str
) -> None:
    own_broker.start()
    await create_topics(own_broker.address, spec(topic))
    async with KafkaBus(own_broker.address, timeout_s=1) as bus:
        await bus.send(record(topic))
        await asyncio.to_thread(own_broker.stop)
        began = time.monotonic()

        with pytest.raises(BrokerUnavailableError, match="did not answer within 1 s"):
            await bus.send(record(topic))
        assert time.monotonic() - began < 2

    assert time.monotonic() - began < 6
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_bus_goes_on_when_the_broker_is_back(
    own_broker: EmbeddedBroker, topic: str
) -> None:
    own_broker.start()
    await create_topics(own_broker.address, spec(topic))
    async with KafkaBus(own_broker.address, timeout_s=20) as bus:
        await bus.send(record(topic, b"before"))
        await asyncio.to_thread(own_broker.stop)
        sending = asyncio.create_task(bus.send(record(topic, b"meanwhile")))
        await asyncio.to_thread(own_broker.start)
        await sending

    kept = await read_all(own_broker.address, topic)
    assert [each.value for each in kept] == [b"before", b"meanwhile"]


async def test_a_topic_that_was_deleted_is_missing_and_not_the_broker(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic))
    async with KafkaBus(broker.address, timeout_s=4) as bus:
        await bus.send(record(topic))
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        await admin.delete_topics([topic])
        await admin.close()

        with pytest.raises(TopicsError, match=f"{topic} does not exist"):
            await bus.send(record(topic))
