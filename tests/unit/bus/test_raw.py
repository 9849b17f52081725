"""Records whose header names are no UTF-8: read and written as they are, by aiokafka's own code."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streamagents.bus.raw import TolerantRecords, tolerate_header_names
from streamagents.runtime.internals import RawBatch, RawName, has_raw_names

ODD = RawName(b"\xff\xfe".decode("utf-8", "surrogateescape"))
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4

Headers = list[tuple[str, Any]]


def raw_batch(headers: Headers, value: bytes | None = b"v") -> bytes:
    batch = RawBatch()
    assert batch.append(timestamp=1, key=b"k", value=value, headers=headers)
    batch.close()
    return bytes(batch._build())


def plain_batch(*values: bytes, compression: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        2,
        compression,
        is_transactional=1,
        producer_id=5,
        producer_epoch=1,
        base_sequence=0,
        batch_size=1 << 20,
    )
    for offset, value in enumerate(values):
        builder.append(offset, 1000 + offset, key=b"k", value=value, headers=[("a", value)])
    return bytes(builder.build())


def read(data: bytes) -> list[Any]:
    records, found = TolerantRecords(data), []
    while records.has_next():
        batch = records.next_batch()
        assert batch is not None
        found += list(batch)
    assert records.next_batch() is None
    return found


def test_aiokafka_still_cannot_read_such_a_name() -> None:
    """The reason for all of this; when it can, drop `bus/raw.py`."""
    batch = MemoryRecords(raw_batch([(ODD, b"1")])).next_batch()

    with pytest.raises(UnicodeDecodeError):
        list(batch)


def test_a_name_that_is_no_utf8_is_read_as_its_bytes() -> None:
    (found,) = read(raw_batch([("a", b"1"), (ODD, b"2"), ("a", None)]))
    names = [name for name, _ in found.headers]

    assert (found.key, found.value) == (b"k", b"v")
    assert [name.encode() for name in names] == [b"a", b"\xff\xfe", b"a"]
    assert [value for _, value in found.headers] == [b"1", b"2", None]
    assert [isinstance(name, RawName) for name in names] == [False, True, False]


def test_what_was_read_is_written_again_byte_for_byte() -> None:
    (found,) = read(raw_batch([(ODD, b"2"), ("ä", b"\xff")]))

    assert raw_batch(list(found.headers)) == raw_batch([(ODD, b"2"), ("ä", b"\xff")])


def test_batches_before_and_behind_are_read_as_ever() -> None:
    data = plain_batch(b"1", b"2") + raw_batch([(ODD, b"x")], b"3") + plain_batch(b"4")

    assert [found.value for found in read(data)] == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("compression", [0, GZIP])
def test_a_usual_batch_is_read_as_aiokafka_reads_it(compression: int) -> None:
    data = plain_batch(b"1", b"2", b"3", compression=compression)
    stock = list(MemoryRecords(data).next_batch())
    ours = read(data)

    for mine, theirs in zip(ours, stock, strict=True):
        for name in ("offset", "timestamp", "key", "value", "headers"):
            assert getattr(mine, name) == getattr(theirs, name)


def test_what_the_fetcher_asks_of_a_batch_is_answered() -> None:
    data = plain_batch(b"1", b"2")
    mine, stock = TolerantRecords(data).next_batch(), MemoryRecords(data).next_batch()

    for name in (
        "next_offset",
        "is_control_batch",
        "is_transactional",
        "producer_id",
        "base_offset",
    ):
        assert getattr(mine, name) == getattr(stock, name)
    assert mine is not None
    assert mine.validate_crc()
    assert TolerantRecords(data).size_in_bytes() == len(data)


def test_half_a_batch_at_the_end_of_a_fetch_is_left_for_the_next() -> None:
    data = plain_batch(b"1") + plain_batch(b"2")[:-3]

    assert [found.value for found in read(data)] == [b"1"]


def test_a_raw_batch_takes_one_record_of_any_size() -> None:
    batch = RawBatch()

    assert batch.append(timestamp=1, key=None, value=b"x" * 5_000_000, headers=[(ODD, b"1")])
    assert batch.append(timestamp=1, key=None, value=b"", headers=[(ODD, b"1")]) is None


def test_a_raw_batch_takes_the_producers_state() -> None:
    batch = RawBatch()
    batch.append(timestamp=1, key=b"k", value=None, headers=[(ODD, b"1")])
    batch._set_producer_state(77, 3, 12)
    batch.close()
    found = MemoryRecords(bytes(batch._build())).next_batch()

    assert (found.producer_id, found.producer_epoch, found.base_sequence) == (77, 3, 12)
    assert found.is_transactional


def test_only_such_names_need_a_raw_batch() -> None:
    assert has_raw_names([("a", b"1"), (ODD, None)])
    assert not has_raw_names([("a", b"1"), ("ä", None)])
    assert not has_raw_names(())


def test_such_a_name_is_a_name_like_any_other() -> None:
    names: dict[str, int] = {ODD: 1}

    assert names[b"\xff\xfe".decode("utf-8", "surrogateescape")] == 1
    assert ODD.encode("utf-8") == b"\xff\xfe"


def test_every_consumer_reads_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    tolerate_header_names()

    assert fetcher.MemoryRecords is TolerantRecords
    assert issubclass(RawBatch, BatchBuilder)
