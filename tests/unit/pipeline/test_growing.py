"""Growing: each value of the state goes where its key belongs, and is found there."""

from __future__ import annotations

import pytest

from streamagents.agents.steps import StepResult
from streamagents.pipeline.chain import judge
from streamagents.pipeline.growing import Growth, Moved
from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.outcome import Incoming
from streamagents.pipeline.places import delayed_key, due_of, parked_key, step_key, value_key
from streamagents.pipeline.stored import decode_record, encode_record, encode_step, encode_value
from streamagents.testing.bus import murmur2_partition
from support.records import Anything, record, registration, subscription

GROWN = 8
ORDER = registration()
OLD = 1
DATA = b'{"customer":"ada"}'
SEEN = seen_key("order", "", "o-1", b"ada")
HOME = murmur2_partition(b"ada", GROWN)


def grown(key: bytes, value: bytes) -> list[Moved]:
    """Where one entry of the old partition goes, beside the mark of its event."""
    state = {SEEN: mark(b"ada"), key: value}
    growth = Growth({"order": ORDER}, lambda k: murmur2_partition(k, GROWN))
    return [moved for moved in growth.moves(OLD, state) if moved.old_key != SEEN or key == SEEN]


def mark(key: bytes | None) -> bytes:
    return Mark(status=Status.DONE, at=1, key=key).encode()


def test_what_has_a_key_goes_where_it_belongs() -> None:
    step = encode_step(b"ada", StepResult(bytes(8), "1", b"7"))
    value = encode_value(b"ada", b"7")
    entries = {
        SEEN: mark(b"ada"),
        step_key(SEEN, "pay"): step,
        value_key(ORDER.name, b"ada", "count"): value,
    }
    for key, raw in entries.items():
        assert grown(key, raw) == [Moved(HOME, key, raw, key)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (seen_key("other", "", "o-1", b"ada"), mark(b"ada")),
        (step_key(seen_key("other", "", "o-1", b"ada"), "pay"), encode_value(b"ada", b"1")),
        (value_key("OtherAgent", b"ada", "count"), encode_value(b"ada", b"7")),
        (b"i\0order", b"\x01"),
        (b"w\0", b"\x01"),
        (b"__faust\0offset__", b"7"),
    ],
)
def test_what_belongs_to_others_stays(key: bytes, value: bytes) -> None:
    assert grown(key, value) == []


@pytest.mark.parametrize("key", [None, b"ada"])
def test_the_mark_of_what_is_known_by_its_position_stays_there(key: bytes | None) -> None:
    unread = seen_key("order", "", "order:1:7", None)

    assert grown(unread, mark(key)) == [Moved(OLD, unread, mark(key), unread)]


@pytest.mark.parametrize("where", ["parked", "delayed"])
def test_a_record_that_waits_is_in_place_where_it_goes_and_keeps_its_identity(where: str) -> None:
    source = record(DATA, partition=OLD, offset=7, key=b"ada", headers=(("own", b"1"),))
    entry = parked_key(bytes(16), 3) if where == "parked" else delayed_key(5000, "order", 7)
    (moved,) = grown(entry, encode_record(source, 5000))
    stored = decode_record(moved.key, moved.value)
    place = subscription(ORDER)
    before = judge(source, place, lambda *_: OLD)
    after = judge(stored, place, lambda k, _: murmur2_partition(k, GROWN))

    assert (moved.partition, stored.partition, stored.due_ms) == (HOME, HOME, 5000)
    assert isinstance(before, Incoming)
    assert isinstance(after, Incoming)
    assert after.seen_key == before.seen_key
    assert (after.origin, after.origin_key) == (before.origin, b"ada")
    if where == "parked":
        assert moved.key == entry
    else:
        assert due_of(moved.key) == 5000


def test_delayed_records_of_two_partitions_do_not_meet_in_one_entry() -> None:
    entry = delayed_key(5000, "order", 7)
    growth = Growth({"order": ORDER}, lambda _: HOME)
    entries = {
        moved.key
        for old in range(4)
        for moved in growth.moves(
            old, {entry: encode_record(record(DATA, partition=old, key=b"ada"), 5000)}
        )
    }

    assert len(entries) == 4


@pytest.mark.parametrize(("value", "key"), [(b"{", b"ada"), (None, b"ada")])
def test_what_cannot_be_read_stays_on_its_partition(value: bytes | None, key: bytes) -> None:
    growth = Growth({"order": ORDER}, lambda _: HOME)

    assert growth.place(record(value, partition=OLD, key=key)) == OLD


def test_what_has_no_key_stays_on_its_partition() -> None:
    anything = Growth({"order": registration(Anything())}, lambda _: HOME)

    assert anything.place(record(b"{}", partition=OLD)) == OLD
    assert anything.place(record(b"{}", partition=OLD, key=b"k")) == HOME
