"""The store: reads see every write in order, RocksDB only what is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rocksdict import Options, Rdict

from streamagents.errors import StateError
from streamagents.runtime.internals import OFFSET_KEY
from streamagents.runtime.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Any]:
    opened = Rdict(str(tmp_path / "db"), options=Options(raw_mode=True))
    yield opened
    opened.close()


@pytest.fixture
def store(db: Any) -> Store:
    opened = Store()
    opened.open(db)
    return opened


def test_an_unknown_key_has_no_value(store: Store) -> None:
    assert store.get(b"k") is None


def test_a_buffered_write_is_read_at_once_and_not_in_rocksdb(store: Store, db: Any) -> None:
    store.buffer("one", {b"k": b"1"})

    assert store.get(b"k") == b"1"
    assert db.get(b"k") is None


def test_an_applied_write_is_in_rocksdb_with_its_offset(store: Store, db: Any) -> None:
    writes = {b"k": b"1", b"empty": b""}
    store.buffer("one", writes)
    store.apply([("one", writes)], 41)

    assert (db.get(b"k"), db.get(b"empty"), db.get(OFFSET_KEY)) == (b"1", b"", b"41")
    assert store.get(b"k") == b"1"


def test_a_kill_in_the_write_leaves_neither_values_nor_offset(db: Any) -> None:
    class Dying:
        def write(self, batch: Any) -> None:
            raise OSError("killed")

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"a second write, by {name}")

    store = Store()
    store.open(Dying())
    with pytest.raises(StateError, match="killed"):
        store.apply([("one", {b"k": b"1", b"l": None})], 7)

    assert (db.get(b"k"), db.get(OFFSET_KEY)) == (None, None)


def test_nothing_that_was_written_to_kafka_moves_no_offset(store: Store, db: Any) -> None:
    store.apply([("one", {b"k": b"1"})], 5)
    store.apply([("two", {})], None)
    store.apply([("three", {})], -1)

    assert db.get(OFFSET_KEY) == b"5"


def test_a_deletion_is_seen_at_once_and_applied_later(store: Store, db: Any) -> None:
    store.apply([("one", {b"k": b"1"})], 0)
    store.buffer("two", {b"k": None})
    assert store.get(b"k") is None
    assert db.get(b"k") == b"1"
    store.apply([("two", {b"k": None})], 1)

    assert (store.get(b"k"), db.get(b"k")) == (None, None)


def test_the_newest_of_two_buffered_writes_counts_also_when_the_older_is_applied(
    store: Store, db: Any
) -> None:
    store.buffer("one", {b"k": b"1"})
    store.buffer("two", {b"k": b"2"})
    store.apply([("one", {b"k": b"1"})], 0)

    assert (store.get(b"k"), db.get(b"k")) == (b"2", b"1")
    store.apply([("two", {b"k": b"2"})], 1)
    assert (store.get(b"k"), db.get(b"k")) == (b"2", b"2")


def test_of_two_writes_in_one_transaction_the_later_stays(store: Store, db: Any) -> None:
    groups = [("one", {b"k": b"1"}), ("two", {b"k": b"2"})]
    for owner, writes in groups:
        store.buffer(owner, writes)
    store.apply(groups, 1)

    assert (store.get(b"k"), db.get(b"k")) == (b"2", b"2")


def test_a_discarded_group_leaves_what_was_there(store: Store, db: Any) -> None:
    store.apply([("one", {b"k": b"1"})], 0)
    store.buffer("two", {b"k": b"2", b"l": b"2"})
    store.discard("two")

    assert (store.get(b"k"), store.get(b"l")) == (b"1", None)


def test_discarding_an_older_group_leaves_a_newer_write(store: Store) -> None:
    store.buffer("one", {b"k": b"1"})
    store.buffer("two", {b"k": b"2"})
    store.discard("one")

    assert store.get(b"k") == b"2"


def test_equal_owners_are_told_apart_by_identity(store: Store) -> None:
    one, two = [0], [0]
    store.buffer(one, {b"k": b"1"})
    store.buffer(two, {b"l": b"2"})
    store.discard(one)

    assert (store.get(b"k"), store.get(b"l")) == (None, b"2")


def test_a_closed_store_forgets_what_was_not_durable(store: Store, db: Any) -> None:
    store.buffer("one", {b"k": b"1"})
    store.close()
    store.open(db)

    assert store.get(b"k") is None


def test_a_closed_store_lets_rocksdb_go(tmp_path: Path) -> None:
    path, store = str(tmp_path / "db"), Store()
    db = Rdict(path, options=Options(raw_mode=True))
    store.open(db)
    store.apply([("one", {b"k": b"1"})], 3)
    store.close()
    db.close()
    again = Rdict(path, options=Options(raw_mode=True))
    store.open(again)

    assert store.get(b"k") == b"1"
    store.close()
    again.close()


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()

    assert list(store.scan(b"")) == []
    with pytest.raises(StateError, match="given back is read"):
        store.get(b"k")
    with pytest.raises(StateError, match="given back is written"):
        store.apply([("one", {b"k": b"1"})], 0)


def test_a_scan_that_is_not_read_to_its_end_lets_rocksdb_go(tmp_path: Path) -> None:
    path, store = str(tmp_path / "db"), Store()
    db = Rdict(path, options=Options(raw_mode=True))
    store.open(db)
    store.apply([("one", {b"k%d" % n: b"v" for n in range(5)})], 3)
    for key, _ in store.scan(b"k"):
        assert key == b"k0"
        break
    store.close()
    db.close()

    Rdict(path, options=Options(raw_mode=True)).close()
