"""What a transaction says of a topic that it cannot write to."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from streamagents.runtime.transaction import PERMANENT, start_producer, stop_producer, transact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiokafka import AIOKafkaProducer

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.kafka

RECORD: tuple[bytes, bytes, list[Any], None] = (b"k", b"v", [], None)


@asynccontextmanager
async def transacting(address: str) -> AsyncIterator[AIOKafkaProducer]:
    settings = {"bootstrap_servers": address, "request_timeout_ms": 500}
    producer = await start_producer(settings, f"tests-{uuid.uuid4()}")
    try:
        yield producer
    finally:
        await stop_producer(producer)


async def test_a_topic_that_is_missing_is_refused_for_good(
    broker: EmbeddedBroker, topic: str
) -> None:
    async with transacting(broker.address) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await transact(producer, {(topic, 0): [RECORD]}, "none")


async def test_a_topic_that_no_broker_was_there_to_name_is_no_missing_one(
    own_broker: EmbeddedBroker, topic: str
) -> None:
    own_broker.start()
    async with transacting(own_broker.address) as producer:
        own_broker.kill()
        with pytest.raises(KafkaError) as refused:
            await transact(producer, {(topic, 0): [RECORD]}, "none")
    assert not isinstance(refused.value, PERMANENT)
