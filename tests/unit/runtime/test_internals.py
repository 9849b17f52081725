"""Names and signatures that `runtime/internals` takes for granted in Faust and aiokafka.

When one of these tests fails after an upgrade, the module named in the test must be read again
beside the new version's source, before the pins in pyproject.toml are moved; then run
`tests/kafka` and the chaos suite. Behaviour is in `test_internals_behaviour.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import pkgutil
from importlib import import_module
from importlib.metadata import version
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, TopicPartitionState
from aiokafka.producer.message_accumulator import (
    BatchBuilder,
    MessageAccumulator,
    MessageBatch,
)
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.record import default_records, memory_records
from aiokafka.structs import OffsetAndMetadata
from faust.app.base import App as FaustApp
from faust.app.base import BootStrategy
from faust.sensors.monitor import Monitor
from faust.stores.rocksdb import RocksDBOptions, Store
from faust.tables import TableManager
from faust.tables.base import Collection
from faust.tables.recovery import Recovery
from faust.transport.conductor import Conductor
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import Message
from mode.services import ServiceTask

from streamagents import runtime
from streamagents.bus.raw import TolerantRecords
from streamagents.runtime import internals

Consumer, Thread = driver.Consumer, driver.AIOKafkaConsumerThread


def parameters(function: Any) -> str:
    """Names of the parameters, stars included, defaults and annotations left out."""
    marks: dict[Any, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    found = inspect.signature(function).parameters.values()
    return " ".join(marks.get(p.kind, "") + p.name for p in found)


def test_the_versions_are_those_that_were_read() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka").startswith("0.14.")
    assert version("mode-streaming").startswith("0.7.")
    assert faust.__version__ == "0.15.3"
    assert aiokafka.__version__.startswith("0.14.")


CREATE_TOPIC = (
    "self topic partitions replication config timeout retention compacting deleting ensure_created"
)
OVERRIDDEN = [
    (Thread, "_create_worker_consumer", "self transport", False),
    (Thread, "on_start", "self", True),
    (Thread, "on_thread_stop", "self", True),
    (Thread, "on_partitions_assigned", "self assigned generation_id", True),
    (Thread, "_stopped_set", "self", False),
    (Thread, "_fetch_records", "self consumer active_partitions timeout max_records", True),
    (Thread, "_seek_wait", "self consumer partitions", True),
    (Thread, "_commit", "self offsets", True),
    (Consumer, "_new_consumer_thread", "self", False),
    (Consumer, "on_partitions_revoked", "self revoked", True),
    (Consumer, "on_partitions_assigned", "self assigned generation_id", True),
    (Consumer, "highwaters", "self *partitions", True),
    (Consumer, "earliest_offsets", "self *partitions", True),
    (Consumer, "seek_wait", "self partitions", True),
    (Consumer, "perform_seek", "self", True),
    (Consumer, "resume_flow", "self", False),
    (Consumer, "_drain_messages", "self fetcher", True),
    (Consumer, "_commit_tps", "self tps start_new_transaction", True),
    (Consumer, "_filter_tps_with_pending_acks", "self topics", False),
    (driver.Producer, "on_start", "self", True),
    (driver.Producer, "create_topic", CREATE_TOPIC, True),
    (Collection, "_new_store_by_url", "self url", False),
    (Store, "revoke_partitions", "self table tps", False),
    (RocksDBOptions, "as_options", "self", False),
    (Store, "stop", "self", True),
    (Store, "_open_for_partition", "self partition", False),
    (Recovery, "_set_recovery_started", "self", False),
    (BootStrategy, "_should_enable_web", "self", False),
    (FaustApp, "on_first_start", "self", True),
    (FaustApp, "on_stop", "self", True),
    (FaustApp, "is_leader", "self", False),
    (faust.Worker, "start", "self", True),
    (faust.Worker, "stop_and_shutdown", "self", False),
    (faust.Worker, "on_setup_root_logger", "self logger level", False),
    (faust.Worker, "_on_sigterm", "self", False),
    (faust.Worker, "_stop_on_signal", "self signal", True),
    (BatchBuilder, "_set_producer_state", "self producer_id producer_epoch base_sequence", False),
    (default_records._DefaultRecordBatchPy, "_maybe_uncompress", "self", False),
]


@pytest.mark.parametrize(
    ("owner", "name", "expected", "is_async"),
    OVERRIDDEN,
    ids=[f"{owner.__name__}.{name}" for owner, name, *_ in OVERRIDDEN],
)
def test_what_we_override_is_there_and_takes_what_it_took(
    owner: Any,
    name: str,
    expected: str,
    is_async: bool,  # noqa: FBT001 - a table's column
) -> None:
    stock = getattr(owner, name)

    assert parameters(stock) == expected
    assert inspect.iscoroutinefunction(stock) is is_async


CALLED = [
    (Thread, "_ensure_consumer", "self"),
    (Thread, "commit", "self offsets"),
    (Thread, "getmany", "self active_partitions timeout"),
    (Thread, "call_thread", "self fun *args **kwargs"),
    (Thread, "highwater", "self tp"),
    (Consumer, "_getmany", "self active_partitions timeout"),
    (Consumer, "_get_active_partitions", "self"),
    (Consumer, "_is_changelog_tp", "self tp"),
    (Consumer, "_commit", "self offsets"),
    (Consumer, "assignment", "self"),
    (Consumer, "highwater", "self tp"),
    (Consumer, "commit", "self topics start_new_transaction"),
    (Consumer, "wait", "self *coros timeout"),
    (Consumer, "sleep", "self n"),
    (Conductor, "acks_enabled_for", "self topic"),
    (FaustApp, "create_event", "self key value headers message"),
    (FaustApp, "crash", "self reason"),
    (Monitor, "track_tp_end_offset", "self tp offset"),
    (Monitor, "on_tp_commit", "self tp_offsets"),
    (Store, "_db_for_partition", "self partition"),
    (driver.Producer, "_settings_default", "self"),
    (driver.Producer, "_settings_auth", "self"),
    (GroupCoordinator, "request_rejoin", "self"),
    (GroupCoordinator, "_do_heartbeat", "self"),
    (GroupCoordinator, "_start_heartbeat_task", "self"),
    (asyncio.tasks, "_enter_task", "loop task"),
    (asyncio.tasks, "_leave_task", "loop task"),
    (Assignment, "state_value", "self tp"),
    (aiokafka.AIOKafkaConsumer, "committed", "self partition"),
    (aiokafka.AIOKafkaConsumer, "beginning_offsets", "self partitions"),
    (aiokafka.AIOKafkaConsumer, "seek", "self partition offset"),
    (aiokafka.AIOKafkaConsumer, "commit", "self offsets"),
    (aiokafka.AIOKafkaProducer, "create_batch", "self"),
    (aiokafka.AIOKafkaProducer, "send_batch", "self batch topic partition"),
    (aiokafka.AIOKafkaProducer, "begin_transaction", "self"),
    (aiokafka.AIOKafkaProducer, "commit_transaction", "self"),
    (aiokafka.AIOKafkaProducer, "abort_transaction", "self"),
    (driver, "ensure_aiokafka_TP", "tp"),
]


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    CALLED,
    ids=[f"{owner.__name__}.{name}" for owner, name, _ in CALLED],
)
def test_what_we_call_is_there_and_takes_what_it_took(owner: Any, name: str, expected: str) -> None:
    assert parameters(getattr(owner, name)) == expected


def test_every_override_is_in_the_table_above() -> None:
    """Of every class of ours in the room that is built on one of Faust's or aiokafka's."""
    listed = {name for _, name, *_ in OVERRIDDEN}
    for module in pkgutil.walk_packages(runtime.__path__, f"{runtime.__name__}."):
        for _, ours in inspect.getmembers(import_module(module.name), inspect.isclass):
            stock = ours.__mro__[1] if ours.__module__ == module.name else ours
            if stock.__module__.partition(".")[0] not in {"faust", "aiokafka", "mode"}:
                continue
            shared = {name for name in vars(ours) if inspect.isfunction(getattr(stock, name, None))}
            methods = {name for name in shared if not name.startswith("__")}
            assert stock is ours or methods <= listed, ours


def test_the_offset_key_is_that_of_fausts_rocksdb_store() -> None:
    assert Store.offset_key == internals.OFFSET_KEY


def test_a_partition_state_tells_its_position() -> None:
    assert isinstance(TopicPartitionState.has_valid_position, property)
    assert isinstance(TopicPartitionState.position, property)


def test_a_commit_is_built_from_these_fields_in_this_order() -> None:
    assert OffsetAndMetadata._fields == ("offset", "metadata")


def test_a_faust_message_takes_its_generation() -> None:
    assert {"tp", "generation_id", "timestamp_type", "checksum"} <= set(
        inspect.signature(Message).parameters
    )


def test_the_fetcher_asks_again_as_soon_as_a_response_has_been_read() -> None:
    """And tells its waiters only then: `include_what_is_taken` comes in between."""
    asks = inspect.getsource(fetcher.Fetcher._fetch_requests_routine)
    assert "self._proc_fetch_request(assignment, node_id, request)" in asks
    assert "for waiter in self._fetch_waiters:" in asks
    assert "self._wait_consume_future = create_future()" in asks
    assert parameters(fetcher.Fetcher._proc_fetch_request) == "self assignment node_id request"
    taking = inspect.getsource(fetcher.Fetcher.fetched_records)
    assert "self._notify(self._wait_consume_future)" in taking


def test_faust_makes_a_tables_store_through_the_method_that_we_replace() -> None:
    assert "_new_store_by_url" in Collection._new_store.__code__.co_names
    assert "_db_for_partition" in Store.persisted_offset.__code__.co_names
    assert "_open_for_partition" in Store._db_for_partition.__code__.co_names
    assert "self._dbs.pop(tp.partition, None)" in inspect.getsource(Store.revoke_partitions)


def test_recovery_keeps_what_it_applied_in_active_offsets() -> None:
    assert "active_offsets" in Recovery.__annotations__
    assert "active_highwaters" in Recovery.__annotations__
    assert {"standby_offsets", "active_tps", "standby_tps", "tp_to_table", "in_recovery"} <= set(
        Recovery.__annotations__
    )
    assert {
        *("_last_flush_at", "_active_events_received_at", "_processing_times"),
        "_last_active_event_processed_at",
    } <= set(Recovery.__annotations__)
    assert isinstance(Recovery.num_samples_required_for_estimate, int)


def test_recovery_is_the_table_managers_and_slurps_in_a_task() -> None:
    """`RecordTables` and `RecordRecovery` put theirs in the place of both."""
    assert isinstance(TableManager.recovery, property)
    assert "self._recovery = Recovery(" in inspect.getsource(TableManager)
    assert isinstance(Recovery._slurp_changelogs, ServiceTask)
    assert not {"take", "held"} & {*dir(Recovery), *dir(Store)}


def test_recovery_goes_by_these_steps() -> None:
    """Started, waited for, and ended by a signal: what `RecordRecovery.take` counts on."""
    steps = inspect.getsource(Recovery._restart_recovery.fun)
    waits = "await self._wait(self.signal_recovery_end.wait())"
    assert steps.rindex("self._set_recovery_started()") < steps.index(waits)
    assert steps.rindex("self._seek_offsets") < len(steps)
    assert steps.index('consumer, assigned_active_tps, active_offsets, "active"') < steps.index(
        waits
    )
    assert "signal_recovery_end.clear()" not in steps
    assert inspect.getsource(Recovery._slurp_changelogs.fun).count("self.signal_recovery_end") == 2
    assert "self.buffers" not in steps.replace("self.flush_buffers", "")


def test_a_transaction_keeps_its_error_in_its_waiter() -> None:
    source = inspect.getsource(TransactionManager)

    assert "self._transaction_waiter.set_exception(exc)" in source
    assert "self._sequence_numbers" in inspect.getsource(TransactionManager.__init__)
    assert "self._txn_manager = " in inspect.getsource(aiokafka.AIOKafkaProducer.__init__)


def test_a_batch_keeps_its_error_in_two_futures() -> None:
    kept = inspect.getsource(MessageAccumulator.__init__)

    assert "self._drain_waiter.set_exception(exception)" in inspect.getsource(MessageBatch.failure)
    assert "self._batches = " in kept
    assert "self._pending_batches = " in kept
    assert "shield(batch.future)" in inspect.getsource(MessageAccumulator.add_batch)


def test_the_fetcher_reads_batches_through_a_name_of_its_module() -> None:
    """`tolerate_header_names` puts ours in its place."""
    assert "MemoryRecords(part_data[-1])" in inspect.getsource(fetcher.Fetcher)
    for name in ("size_in_bytes", "has_next", "next_batch"):
        assert callable(getattr(memory_records._MemoryRecordsPy, name))
        assert callable(getattr(TolerantRecords, name))


def test_the_heartbeat_goes_through_the_method_that_we_wrap() -> None:
    assert "await self._do_heartbeat()" in inspect.getsource(GroupCoordinator)
    assert inspect.iscoroutinefunction(GroupCoordinator._do_heartbeat)


def test_the_stock_thread_stops_nothing_but_its_consumer() -> None:
    """`RecordThread.on_thread_stop` goes past this method to the next one."""
    lines = [line.strip() for line in inspect.getsource(Thread.on_thread_stop).splitlines()]

    assert [line for line in lines if line.startswith("await")] == [
        "await super().on_thread_stop()",
        "await self._consumer.stop()",
    ]


def test_topic_partitions_of_both_libraries_are_equal() -> None:
    ours = ensure_TP(driver.ensure_aiokafka_TP(faust.types.TP("order", 3)))

    assert ours == driver.ensure_aiokafka_TP(ours) == ("order", 3)
    assert hash(ours) == hash(driver.ensure_aiokafka_TP(ours))


def test_a_worker_notes_when_it_was_first_told_to_stop() -> None:
    """By it we know a second SIGTERM from the first."""
    assert "self._signal_stop_time = self.loop.time()" in inspect.getsource(
        faust.Worker._schedule_shutdown
    )
    assert "_signal_stop_time" in faust.Worker.__init__.__code__.co_names or hasattr(
        faust.Worker, "_signal_stop_time"
    )


def test_faust_keeps_what_it_started_in_these_attributes() -> None:
    assert hasattr(FaustApp, "_consumer")
    assert hasattr(driver.Producer, "_producer")
    assert hasattr(driver.AIOKafkaConsumerThread, "_consumer")
