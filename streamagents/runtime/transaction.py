"""Transactions: a state partition's producer, and one transaction of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streamagents.runtime.group import cut
from streamagents.runtime.internals import look_at_failures, take_back_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_BYTES = 16 << 20
"""Bytes unsettled at once: the driver may put all of them into one request, and brokers refuse one
over `socket.request.max.bytes`."""
BATCH_BYTES = 512 << 10
TIMEOUT_MS = 60_000
CLOSE_S = 3.0
_AGAIN_S = 0.2

PERMANENT = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
"""What no repetition mends."""


async def start_producer(settings: Mapping[str, Any], transactional_id: str) -> AIOKafkaProducer:
    """Start a producer that fences the earlier owner of its id, as soon as a broker answers.

    Args:
        settings: how to connect, as aiokafka's producer takes it.
        transactional_id: the id.
    """
    while True:
        producer = AIOKafkaProducer(
            **{
                **settings,
                "acks": "all",
                "enable_idempotence": True,
                "linger_ms": 0,
                "max_batch_size": BATCH_BYTES,
                "transactional_id": transactional_id,
                "transaction_timeout_ms": TIMEOUT_MS,
            }
        )
        try:
            await producer.start()
        except (KafkaError, OSError, TimeoutError, AssertionError):
            # A broker that has just started may name no brokers yet: aiokafka asserts that there
            # are some.
            await stop_producer(producer)
            await asyncio.sleep(_AGAIN_S)
        except asyncio.CancelledError:
            await stop_producer(producer)
            raise
        else:
            return producer


async def transact(
    producer: AIOKafkaProducer,
    batches: Mapping[tuple[str, int], list[tuple[Any, ...]]],
    changelog: str,
) -> int | None:
    """Write records in one transaction; the offset of the last one in the changelog.

    Args:
        producer: a started one.
        batches: the records by topic and partition, each as key, value, headers and timestamp.
        changelog: the topic whose last offset is wanted.

    Raises:
        ProducerFenced: another owner has taken the id.
        KafkaError: it was not committed; abort it.
    """
    await producer.begin_transaction()
    sends: list[tuple[asyncio.Future[Any], tuple[str, int], int]] = []
    tail: tuple[asyncio.Future[Any], int] | None = None
    unsettled = 0
    try:
        for (topic, partition), records in batches.items():
            for batch, size in cut(producer, records):
                unsettled += batch.size()
                if unsettled > REQUEST_BYTES:
                    await asyncio.gather(*(s for s, _, _ in sends), return_exceptions=True)
                    unsettled = batch.size()
                sent = await _send(producer, batch, topic, partition)
                sends.append((sent, (topic, partition), size))
                if topic == changelog:
                    tail = (sent, size)
    finally:
        # All settled before commit or abort: none may land behind it.
        results = await asyncio.gather(*(sent for sent, _, _ in sends), return_exceptions=True)
    failed = [
        (result, tp, size)
        for result, (_, tp, size) in zip(results, sends, strict=True)
        if isinstance(result, BaseException)
    ]
    if failed:
        raise _decisive(producer, failed)
    await producer.commit_transaction()
    return None if tail is None else tail[0].result().offset + tail[1] - 1


async def _send(producer: AIOKafkaProducer, batch: Any, topic: str, partition: int) -> Any:
    try:
        return await producer.send_batch(batch, topic, partition=partition)
    except UnknownTopicOrPartitionError as exc:
        # The driver says so of a topic new to it where no broker answered, too.
        answered = await producer.client.force_metadata_update()
        if answered and producer.client.cluster.partitions_for_topic(topic) is None:
            raise
        raise NodeNotReadyError(f"no broker has told where {topic} is") from exc


def _decisive(
    producer: AIOKafkaProducer, failed: list[tuple[BaseException, tuple[str, int], int]]
) -> BaseException:
    """The error that decides what becomes of a transaction."""
    errors = [error for error, _, _ in failed]
    fenced = [error for error in errors if isinstance(error, ProducerFenced)]
    refused = [error for error in errors if isinstance(error, PERMANENT)]
    if all(isinstance(error, (*PERMANENT, OutOfOrderSequenceNumber)) for error in errors):
        # Refused, or behind a refused one of its partition: none of them was written.
        for _, tp, size in failed if refused else ():
            take_back_numbers(producer, tp, size)
    return (fenced or refused or errors)[0]


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer within a bound; its failure changes nothing for us."""
    look_at_failures(producer)  # before, for what ends meanwhile is forgotten there
    try:
        await asyncio.wait_for(producer.stop(), CLOSE_S)
    except (KafkaError, OSError, TimeoutError):
        pass
    finally:
        look_at_failures(producer)
