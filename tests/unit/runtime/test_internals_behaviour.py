"""How Faust and aiokafka behave where `runtime/internals` builds on it, shown without a broker.

See `test_internals.py` for what to do when one of these fails after an upgrade.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections import Counter
from typing import TYPE_CHECKING, Any

import aiokafka
from aiokafka.errors import ProducerFenced
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import Message

from streamagents.runtime.internals import (
    RecordConsumer,
    RecordThread,
    RecordTransport,
    open_store,
    producer_settings,
)
from streamagents.runtime.seam import Poll
from streamagents.runtime.transaction import stop_producer
from support.records import record, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamagents.runtime.app import StreamApp

ORDER = TP("order", 0)


def message(generation: int, topic: str = "order") -> Message:
    return Message(
        topic=topic,
        partition=0,
        offset=1,
        timestamp=0.0,
        timestamp_type=0,
        headers=[],
        key=None,
        value=None,
        checksum=None,
        tp=TP(topic, 0),
        generation_id=generation,
    )


async def test_faust_builds_our_consumer_on_our_thread(consumer: Any) -> None:
    assert type(consumer.app.transport) is RecordTransport
    assert type(consumer) is RecordConsumer
    assert type(consumer._thread) is RecordThread
    assert consumer.host is consumer.app.engine


async def test_a_fresh_consumer_has_what_we_read_from_it(consumer: Any) -> None:
    assert consumer.flow_active is True
    assert isinstance(consumer.can_resume_flow, asyncio.Event)
    assert not consumer._stopped.is_set()
    assert all(issubclass(error, BaseException) for error in consumer.consumer_stopped_errors)
    assert isinstance(consumer._thread.thread_loop, asyncio.AbstractEventLoop)


async def test_a_fresh_app_has_what_we_read_from_it(shop: StreamApp) -> None:
    assert isinstance(shop.consumer_generation_id, int)
    assert shop.topics._topic_name_index["order"] == set()
    assert isinstance(shop.tables.recovery.active_offsets, Counter)
    assert shop.monitor.messages_received_total == 0
    assert shop.monitor.messages_received_by_topic["order"] == 0
    assert shop._consumer is None


async def test_the_client_reads_committed_records_and_polls_briefly(client: Any) -> None:
    assert client._isolation_level == "read_committed"
    assert client._fetch_max_wait_ms == 100
    assert client._enable_auto_commit is False


def test_the_client_takes_both_settings_when_it_starts_and_not_before() -> None:
    source = inspect.getsource(aiokafka.AIOKafkaConsumer.start)

    assert "isolation_level=self._isolation_level" in source
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source


async def test_a_seek_gives_the_client_a_position_that_we_can_read(client: Any) -> None:
    state = client._subscription
    state.subscribe({"order"})
    before = state.subscription.assignment
    state.assign_from_subscribed({TopicPartition("order", 0)})
    assignment = state.subscription.assignment
    found = assignment.state_value(ORDER)
    assert (before, found.has_valid_position) == (None, False)
    state.seek(TopicPartition("order", 0), 42)

    assert (found.has_valid_position, found.position) == (True, 42)
    assert assignment.state_value(TP("order", 1)) is None


async def test_the_thread_makes_a_poll_of_every_move_of_a_position(
    consumer: Any, client: Any
) -> None:
    """Fetches are stopped here: no records, but the position moves as over a marker."""
    thread, state = consumer._thread, client._subscription
    consumer.flow_active = False
    assert await thread._fetch_records(client, {ORDER}) == {}
    state.subscribe({"order"})
    state.assign_from_subscribed({ORDER})
    thread.positions[ORDER], thread.stamps[ORDER] = 40, "seek"
    assert await thread._fetch_records(client, {ORDER, TP("other", 1)}) == {}
    state.seek(TopicPartition("order", 0), 42)

    polls = await thread._fetch_records(client, {ORDER})
    assert polls == {ORDER: Poll(ORDER, (), 40, 42, "seek")}
    assert await thread._fetch_records(client, {ORDER}) == {}


async def test_a_changelog_is_polled_like_a_source_and_was_sought_by_faust(
    consumer: Any, client: Any
) -> None:
    """A marker, and what was aborted, moves the position and brings no record."""
    log = TP(consumer.app.tables["state-p4"].changelog_topic_name, 3)
    thread, state = consumer._thread, client._subscription
    consumer.flow_active = False
    state.subscribe({log.topic})
    state.assign_from_subscribed({log})
    thread.positions[log] = 5
    state.seek(TopicPartition(*log), 9)

    assert await thread._fetch_records(client, {log}) == {log: Poll(log, (), 5, 9, None)}


async def test_a_resumed_flow_forgets_what_was_queued(shop: StreamApp) -> None:
    """Why the seek comes after the resumption."""
    queue = shop.topic("order").stream().channel.queue
    queue.put_nowait("from before")
    shop.flow_control.suspend()
    shop.flow_control.resume()

    assert queue.empty()


async def test_a_stream_skips_events_of_a_foreign_generation(shop: StreamApp) -> None:
    """Why a poll that is handed over carries the app's generation."""
    shop.flow_control.resume()
    stream = shop.topic("order").stream()
    own = shop.consumer_generation_id
    for generation in (own + 1, own):
        event = shop.create_event(None, f"poll {generation}", {}, message(generation))
        stream.channel.queue.put_nowait(event)
    async for value in stream.noack():
        assert value == f"poll {own}"
        break


async def test_a_poll_is_handed_to_the_topics_stream_and_counted(consumer: Any) -> None:
    class Client:
        def highwater(self, tp: TP) -> int:
            return 99

    app = consumer.app
    app.flow_control.resume()
    consumer._thread._consumer = Client()
    stream = app.topic("order").stream()
    app.topics._topic_name_index["order"].add(stream.channel)
    poll = Poll(ORDER, (record(), record(offset=8)), 7, 9, object())
    consumer._hand_over(poll)

    async for value in stream.noack():
        assert value is poll
        break
    assert app.monitor.messages_received_total == 2
    assert app.monitor.messages_received_by_topic["order"] == 2
    assert app.monitor.tp_end_offsets[ORDER] == 99


async def test_a_seek_that_faust_asks_for_is_done_after_it_resumed(consumer: Any) -> None:
    await consumer.perform_seek()
    assert not consumer._seek_armed
    consumer.resume_flow()
    assert consumer._seek_armed
    consumer._seek_armed = False
    consumer.resume_flow()

    assert not consumer._seek_armed


async def test_recovery_is_complete_when_all_that_was_stable_is_applied(consumer: Any) -> None:
    logs = [TP("log", number) for number in range(4)]
    consumer._highwaters = dict(zip(logs, (0, 5, 5, 5), strict=True))
    consumer.app.tables.recovery.active_offsets.update({logs[1]: 4, logs[2]: 3})

    assert consumer._recovered() == {logs[0]: True, logs[1]: True, logs[2]: False, logs[3]: False}


def test_the_stock_commit_asks_the_two_methods_that_we_replace() -> None:
    source = inspect.getsource(driver.Consumer.force_commit)

    assert "self._filter_tps_with_pending_acks(topics)" in source
    assert "await self._commit_tps(" in source


async def test_a_commit_takes_the_ledgers_offsets_or_nothing(consumer: Any) -> None:
    assert list(consumer._filter_tps_with_pending_acks(None)) == []
    assert await consumer._commit_tps([], start_new_transaction=False) is False


async def test_the_store_of_a_partition_is_a_rocksdb_of_raw_bytes(shop: StreamApp) -> None:
    """`Store` writes its batches in raw mode."""
    db = open_store(shop.tables["state-p4"], 2)
    db.put(b"k", b"v")

    assert db.get(b"k") == b"v"
    assert open_store(shop.tables["state-p4"], 2) is db
    db.close()


async def test_fausts_settings_make_a_transactional_producer(shop: StreamApp) -> None:
    settings = {**producer_settings(shop), "acks": "all", "transactional_id": "shop-p4-0"}
    producer = aiokafka.AIOKafkaProducer(**settings)

    assert settings["bootstrap_servers"] == ["127.0.0.1:9092"]
    assert producer._txn_manager.transactional_id == "shop-p4-0"
    await producer.stop()


async def told_of(use: Callable[[Any], Awaitable[None]]) -> list[str]:
    """What the loop has to tell of a producer that was used, stopped and thrown away."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: told.append(context["message"])
    )
    producer = aiokafka.AIOKafkaProducer(transactional_id="t", acks="all")
    await use(producer)
    await stop_producer(producer)
    del producer
    await turns()
    gc.collect()
    return told


def queue_batch(producer: Any) -> MessageBatch:
    """A batch that waits for the sender."""
    accumulator = producer._message_accumulator
    batch = MessageBatch(ORDER, accumulator.create_builder(), 60, 0)
    accumulator._batches[ORDER].append(batch)
    return batch


async def test_nobody_is_told_of_the_transaction_of_a_fenced_producer() -> None:
    async def use(producer: Any) -> None:
        manager = producer._txn_manager
        waiter = manager._transaction_waiter = asyncio.get_running_loop().create_future()
        waiter.set_exception(ProducerFenced())

    assert await told_of(use) == []


async def test_nobody_is_told_of_what_a_fenced_producer_had_not_sent() -> None:
    async def use(producer: Any) -> None:
        queue_batch(producer)
        producer._message_accumulator.fail_all(ProducerFenced())

    assert await told_of(use) == []


async def test_nobody_is_told_of_what_was_under_way_when_a_partition_was_given_up() -> None:
    async def use(producer: Any) -> None:
        batch = queue_batch(producer)
        sent = asyncio.shield(batch.future)  # as aiokafka hands it out
        sent.cancel()
        await turns()
        asyncio.get_running_loop().call_soon(batch.failure, ProducerFenced())

    assert await told_of(use) == []


async def test_a_producer_without_transactions_is_stopped_like_any_other() -> None:
    await stop_producer(aiokafka.AIOKafkaProducer())
