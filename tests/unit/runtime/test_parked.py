"""Parked: lanes whose head waits, and everything behind it, in the state and in order."""

from __future__ import annotations

import pytest

from streamagents.pipeline.mark import NewerFormatError
from streamagents.pipeline.places import PARKED, delayed_key, parked_key
from streamagents.pipeline.stored import StoredRecord, encode_record
from streamagents.runtime.parked import Parked, is_parked
from support.parked import ADA, BOB, ParkedDesk
from support.records import record
from support.stores import FakeStore


def test_a_lane_keeps_the_order_in_which_its_events_came() -> None:
    desk = ParkedDesk()
    for offset in range(20):
        desk.put(ADA if offset % 2 else BOB, offset)

    assert desk.drained(ADA) == list(range(1, 20, 2))
    assert desk.drained(BOB) == list(range(0, 20, 2))
    assert (desk.parked.count, desk.store.durable) == (0, {})


def test_a_lane_is_due_when_its_head_is_and_named_once() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=1000)
    desk.put(ADA, 2, due_ms=5)
    desk.put(BOB, 3, due_ms=500)

    assert list(desk.parked.due(499)) == []
    assert list(desk.parked.due(500)) == [BOB]
    assert list(desk.parked.due(999)) == []
    assert list(desk.parked.due(5000)) == [ADA]
    assert list(desk.parked.due(9000)) == []


def test_lanes_that_are_due_at_once_come_in_the_order_of_their_times() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=2000)
    desk.put(BOB, 2, due_ms=1000)

    assert list(desk.parked.due(3000)) == [BOB, ADA]


def test_a_lane_that_has_ended_holds_nobody_and_may_begin_anew() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=1000)
    assert desk.parked.holds(ADA)
    assert not desk.parked.holds(BOB)
    list(desk.parked.due(1000))
    desk.end(ADA)
    assert not desk.parked.holds(ADA)
    desk.put(ADA, 2, due_ms=7000)

    assert list(desk.parked.due(6999)) == []
    assert list(desk.parked.due(7000)) == [ADA]


def test_a_head_that_waits_again_and_again_stays_the_head() -> None:
    desk = ParkedDesk()
    for offset in (1, 2, 3):
        desk.put(ADA, offset, due_ms=1000)
    for turn in range(1, 20):
        assert list(desk.parked.due(1000 * turn)) == [ADA]
        assert desk.heads()[ADA] == 1
        desk.postpone(ADA, 1000 * (turn + 1))
        assert list(desk.parked.due(1000 * turn)) == []

    assert desk.parked.count == 3
    assert len(desk.store.durable) == 3
    assert desk.drained(ADA) == [1, 2, 3]


def test_of_one_time_the_next_head_is_not_named_by_itself() -> None:
    """Whoever runs a lane runs all of it: only waiting again gives it a new time."""
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=1000)
    desk.put(ADA, 2)
    assert list(desk.parked.due(1000)) == [ADA]
    desk.end(ADA)
    assert list(desk.parked.due(10_000)) == []
    desk.postpone(ADA, 3000)

    assert list(desk.parked.due(3000)) == [ADA]


def test_what_could_not_be_kept_leaves_the_lane_as_it_was() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=1000)
    (entry,) = desk.parked.put(ADA, record(offset=2))
    desk.parked.drop(entry)

    assert (desk.parked.count, desk.drained(ADA)) == (1, [1])


def test_a_head_that_could_not_be_kept_leaves_no_time_behind() -> None:
    desk = ParkedDesk()
    (entry,) = desk.parked.put(ADA, record(offset=1), due_ms=1000)
    desk.parked.drop(entry)
    assert not desk.parked.holds(ADA)
    assert list(desk.parked.due(1000)) == []
    desk.put(ADA, 2, due_ms=9000)

    assert list(desk.parked.due(8999)) == []
    assert list(desk.parked.due(9000)) == [ADA]


def test_dropping_what_is_not_there_is_nothing() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1)
    desk.parked.drop(parked_key(BOB, 1))
    desk.parked.drop(parked_key(ADA, 99))
    desk.parked.drop(parked_key(ADA, 1))
    desk.parked.drop(parked_key(ADA, 1))

    assert desk.parked.count == 0


def test_a_delayed_event_that_is_parked_is_delayed_no_more() -> None:
    desk, entry = ParkedDesk(), delayed_key(5, "order", 3)
    delayed = StoredRecord(
        topic="order",
        partition=0,
        offset=3,
        key=b"k",
        value=b"{}",
        headers=(),
        timestamp=1,
        due_ms=5,
        entry=entry,
    )
    writes = desk.parked.put(ADA, delayed, 1000)

    assert writes.pop(entry, b"kept") is None
    assert list(writes) == [parked_key(ADA, 1)]
    assert not is_parked(delayed)


def test_a_head_is_what_was_parked_and_says_where_it_lies() -> None:
    desk = ParkedDesk()
    source = record(b"v", offset=3, key=b"k", headers=(("a", b"1"), ("a", b"\xff")))
    desk.store.apply([(desk, desk.parked.put(ADA, source, 1000))], None)
    head = desk.parked.head(ADA)

    assert head is not None
    assert (head.value, head.key, head.offset) == (b"v", b"k", 3)
    assert (head.headers, head.due_ms) == (source.headers, 1000)
    assert head.entry in desk.store.durable
    assert is_parked(head)
    assert desk.parked.head(BOB) is None


def test_a_head_is_there_before_it_is_durable() -> None:
    store = FakeStore()
    parked = Parked(store)
    store.buffer("group", parked.put(ADA, record(offset=5), 1000))
    head = parked.head(ADA)

    assert head is not None
    assert (head.offset, store.durable) == (5, {})


def test_a_newer_format_stops_the_worker_before_it_takes_anything_in() -> None:
    newer = bytes([2]) + encode_record(record(), 5)[1:]

    with pytest.raises(NewerFormatError):
        ParkedDesk(FakeStore({parked_key(ADA, 1): newer}))


def test_only_what_is_parked_is_read() -> None:
    rows = {
        parked_key(ADA, 1): encode_record(record(offset=1), 5),
        delayed_key(1, "order", 2): encode_record(record(offset=2), 1),
        b"e\0mark": b"\x01",
        PARKED[:1] + b"\1": b"something else",
    }

    assert ParkedDesk(FakeStore(rows)).parked.count == 1
