"""Faust's store over a real RocksDB: what is revoked is closed, and nobody opens it again."""

from __future__ import annotations

import gc
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from faust.types import TP
from rocksdict import DbClosedError, Options, Rdict
from structlog.testing import capture_logs

from streamagents.errors import StateError
from streamagents.runtime.group import Group
from streamagents.runtime.internals import RecordTable, open_store
from streamagents.runtime.internals.stores import RecordStore
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamagents.runtime.app import StreamApp

TABLE = "state-p4"


@pytest.fixture
async def table(shop: StreamApp) -> Any:
    return shop.tables[TABLE]


@pytest.fixture(autouse=True)
def no_help_from_the_collector() -> Iterator[None]:
    """A busy worker's garbage lives for long."""
    gc.disable()
    yield
    gc.enable()


def tps(table: Any, *partitions: int) -> set[TP]:
    return {TP(table.changelog_topic_name, partition) for partition in partitions}


def reopened(table: Any, partition: int) -> Any:
    """The RocksDB as the next process would open it."""
    return Rdict(str(table.data.partition_path(partition)), options=Options(raw_mode=True))


async def test_the_application_has_our_table_over_our_store(table: Any) -> None:
    assert type(table) is RecordTable
    assert type(table.data) is RecordStore
    assert table.data.use_rocksdict


async def test_a_revoked_partition_is_closed_also_when_somebody_holds_it(table: Any) -> None:
    held = open_store(table, 2)
    held.put(b"k", b"v")
    kept = open_store(table, 1)
    table.data.revoke_partitions(table, tps(table, 2) | {TP("other", 1)})

    again = reopened(table, 2)
    assert again.get(b"k") == b"v"
    with pytest.raises(DbClosedError):
        held.get(b"k")
    assert open_store(table, 1) is kept
    again.close()
    await table.data.stop()
    reopened(table, 1).close()


async def test_a_revoked_partition_can_be_assigned_again_at_once(table: Any) -> None:
    held = open_store(table, 2)
    for _ in range(5):
        table.data.revoke_partitions(table, tps(table, 2))
        again = open_store(table, 2)
        assert again is not held
        held = again
    await table.data.stop()


async def test_an_iterator_that_only_garbage_holds_does_not_keep_a_partition(table: Any) -> None:
    cycle: list[Any] = [open_store(table, 2).iter()]
    cycle.append(cycle)
    del cycle
    table.data.revoke_partitions(table, tps(table, 2))

    assert open_store(table, 2).get(b"k") is None
    await table.data.stop()


async def test_a_partition_that_somebody_else_has_open_is_refused(table: Any) -> None:
    table.data.path.mkdir(parents=True, exist_ok=True)
    other = reopened(table, 2)
    with pytest.raises(Exception, match="lock hold by current process"):
        open_store(table, 2)
    other.close()
    table.data.partition_path(3).parent.mkdir(exist_ok=True)
    table.data.partition_path(3).write_text("no folder")
    with pytest.raises(Exception, match="File exists"):
        open_store(table, 3)


async def test_a_rocksdb_that_fails_at_its_end_is_let_go_of(table: Any) -> None:
    class Failing:
        def close(self) -> None:
            raise OSError("no space left")

    table.data._dbs[2] = Failing()
    table.data.revoke_partitions(table, tps(table, 2))

    assert table.data._dbs == {}


async def test_an_engine_that_drops_an_assignment_holds_no_rocksdb_when_it_returns(
    shop: StreamApp, table: Any
) -> None:
    """Faust may close it, and open it anew, before anything else runs."""
    db = open_store(table, 2)
    owned = shop.engine._owned[4, 2] = shop.engine._new((4, 2))
    owned.begin(db, {}, limit=10, lifetimes={})
    store = owned.store
    assert store.get(b"k") is None
    shop.engine.drop()

    assert store._db is not db
    with pytest.raises(StateError, match="given back"):
        store.get(b"k")
    assert list(store.scan(b"")) == []
    owned.writer.add(Group(writes={b"k": b"v"}))
    assert not owned.writer._queue
    await turns()
    assert not shop.engine._tasks
    await table.data.stop()


async def test_a_partition_that_is_lost_holds_no_rocksdb_when_it_is_given_up(
    shop: StreamApp, table: Any
) -> None:
    db = open_store(table, 2)
    owned = shop.engine._owned[4, 2] = shop.engine._new((4, 2))
    owned.begin(db, {}, limit=10, lifetimes={})
    with capture_logs():
        shop.engine._lose((4, 2), RuntimeError("fenced"))

    assert owned.store._db is not db
    for task in shop.engine._tasks:
        task.cancel()
    await turns()
    await table.data.stop()


# -- what it costs ---------------------------------------------------------------------------------


async def test_a_new_id_is_hardly_ever_looked_for_in_a_file(table: Any, tmp_path: Path) -> None:
    options = table.data.rocksdb_options.as_options()
    options.enable_statistics()
    db = Rdict(str(tmp_path / "db"), options=options)
    for _ in range(20_000):
        db.put(os.urandom(20), b"")
    db.flush()
    for _ in range(10_000):
        assert db.get(os.urandom(20)) is None

    counts = dict(re.findall(r"(\S+) COUNT : (\d+)", options.get_statistics()))
    looked_for = int(counts["rocksdb.bloom.filter.full.positive"])
    assert 10_000 - looked_for == int(counts["rocksdb.bloom.filter.useful"])
    assert looked_for < 300


async def test_many_partitions_take_no_more_memory_than_a_few(table: Any, tmp_path: Path) -> None:
    """Of what is not written to a file yet: a worker gets many when another one dies."""
    options = table.data.rocksdb_options
    dbs = [Rdict(str(tmp_path / f"{n}"), options=options.as_options()) for n in range(20)]
    most = 0
    for n in range(6 * 64):
        for db in dbs:
            db.put(b"%d" % n, os.urandom(16_384))
        if n % 16 == 0:
            most = max(most, sum(map(in_memory, dbs)))

    assert most < 96 << 20


def in_memory(db: Any) -> int:
    return int(db.property_int_value("rocksdb.cur-size-all-mem-tables"))
