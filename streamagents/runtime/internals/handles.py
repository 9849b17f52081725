"""Handles on what Faust and aiokafka keep to themselves: stores, settings, a fenced producer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

OFFSET_KEY = b"__faust\0offset__"
"""Where Faust keeps, in each partition's RocksDB, up to where it holds the changelog."""


def open_store(table: Any, partition: int) -> Any:
    """The RocksDB of one partition of a Faust table."""
    return table.data._db_for_partition(partition)


async def commit_last(app: Any) -> None:
    """Commit once more, unless the worker stops before it ever had a consumer."""
    if app._consumer is not None:
        await app.consumer.commit()


def heartbeat_silence_s(app: Any) -> float | None:
    """Seconds since the group last heard of this worker; None before it has a consumer."""
    thread = getattr(app._consumer, "_thread", None)
    if getattr(thread, "beat_at", None) is None:
        return None
    return float(app.consumer.silent_s)


def count_received(monitor: Any, tp: Any, records: int, last: int) -> None:
    """Count a poll in Faust's monitor, as if its records had been handed over one by one."""
    monitor.messages_received_total += records
    monitor.messages_received_by_topic[tp.topic] += records
    metrics = getattr(monitor, "_metrics", None)
    if metrics is not None and records:
        metrics.messages_received.inc(records)
        metrics.messages_received_per_topics.labels(topic=tp.topic).inc(records)
        metrics.messages_received_per_topics_partition.labels(
            topic=tp.topic, partition=tp.partition
        ).set(last)


def producer_settings(app: Any) -> dict[str, Any]:
    """How Faust would connect a producer: brokers, credentials, timeouts."""
    return {**app.producer._settings_default(), **app.producer._settings_auth()}


def look_at_failures(producer: Any) -> None:
    """Look at the errors that aiokafka leaves, now or later, where nobody else looks.

    asyncio logs each of them with a traceback otherwise. Fenced, a producer keeps the error in its
    transaction, and in each batch it had not sent; who is cancelled while a batch is under way
    leaves that batch alone with what becomes of it.
    """
    accumulator, manager = producer._message_accumulator, producer._txn_manager
    batches = [*accumulator._pending_batches]
    for queue in accumulator._batches.values():
        batches += queue
    futures = [one for batch in batches for one in (batch.future, batch._drain_waiter)]
    if manager is not None and manager._transaction_waiter is not None:
        futures.append(manager._transaction_waiter)
    for future in futures:
        if future.done():
            _look_at(future)
        else:
            future.add_done_callback(_look_at)


def _look_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def take_back_numbers(producer: Any, tp: tuple[str, int], count: int) -> None:
    """Take back the sequence numbers of records that the broker has refused.

    aiokafka counts them as written: the next batch of the partition would be out of order, and
    every one after it.
    """
    producer._txn_manager._sequence_numbers[tp] -= count
