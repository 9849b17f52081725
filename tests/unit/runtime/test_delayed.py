"""Delayed: events that hold nobody up, found in the order of their times, in little memory."""

from __future__ import annotations

import random
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from rocksdict import WriteBatch

from streamagents.pipeline.places import DELAYED, delayed_key
from streamagents.pipeline.stored import encode_record
from streamagents.runtime.delayed import MAX_LOADED, Delayed
from support.records import record
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.pipeline.stored import StoredRecord
    from streamagents.runtime.store import Store


def everybody(topic: str) -> bool:
    return True


class Desk:
    """Delayed events over a state; what is put is durable when the test says so."""

    def __init__(self, store: FakeStore | None = None) -> None:
        self.store = store or FakeStore()
        self.delayed = Delayed(self.store)
        self.under_way: list[tuple[bytes, dict[bytes, bytes | None]]] = []

    def put(self, offset: int, due_ms: int, topic: str = "order") -> None:
        writes = self.delayed.put(record(b"{}", offset=offset, topic=topic), due_ms)
        (entry,) = writes
        self.store.buffer(entry, writes)
        self.under_way.append((entry, writes))

    def durable(self) -> None:
        self.store.apply(self.under_way, None)
        for entry, _ in self.under_way:
            self.delayed.arrived(entry)
        self.under_way.clear()

    def keep(self, *due_ms: int) -> None:
        for time in due_ms:
            self.put(time, time)
        self.durable()

    def load(self, now_ms: int, *, closed: str = "") -> list[int]:
        found = self.delayed.load(now_ms, lambda topic: topic != closed)
        self.loaded = found
        return [one.offset for one in found]

    def end(self, one: StoredRecord) -> None:
        """An event has its outcome, durably."""
        self.store.apply([(one, {one.entry: None})], None)
        self.delayed.finished(one)


def test_what_is_due_is_loaded_in_the_order_of_its_times() -> None:
    desk = Desk()
    desk.keep(300, 100, 200, 400)

    assert desk.load(99) == []
    assert desk.load(300) == [100, 200, 300]


def test_what_is_in_our_hands_is_not_loaded_again() -> None:
    desk = Desk()
    desk.keep(100, 200)

    assert [desk.load(now) for now in (100, 150, 250, 300)] == [[100], [], [200], []]


def test_what_was_given_up_without_an_outcome_is_loaded_again() -> None:
    """As after a restart: nothing but an outcome takes it out of the state."""
    desk = Desk()
    desk.keep(100)
    assert desk.load(100) == [100]

    assert Desk(FakeStore(desk.store.durable)).load(100) == [100]


def test_what_has_its_outcome_is_gone() -> None:
    desk = Desk()
    desk.keep(100, 200)
    desk.load(100)
    desk.end(desk.loaded[0])

    assert (desk.load(150), desk.load(200)) == ([], [200])
    assert len(desk.store.durable) == 1


def test_what_is_not_durable_yet_is_found_when_it_is() -> None:
    desk = Desk()
    desk.put(1, 100)
    assert desk.load(500) == []
    desk.put(2, 50)
    desk.durable()

    assert desk.load(500) == [2, 1]


@pytest.mark.parametrize("due_ms", [0, 1, 99, 100, 101, 5000])
def test_what_arrives_behind_the_back_of_a_scan_is_found(due_ms: int) -> None:
    """The scan begins where the last one found its first: an earlier one may come meanwhile."""
    desk = Desk()
    desk.keep(100)
    desk.load(100)
    first = desk.loaded[0]
    desk.put(7, due_ms)
    assert desk.load(10_000) == []
    desk.end(first)
    assert desk.load(10_000) == []
    desk.durable()

    assert desk.load(10_000) == [7]


def test_a_clock_that_jumps_forward_brings_all_that_is_due_by_then() -> None:
    desk = Desk()
    desk.keep(*range(1000, 50_000, 1000))

    assert desk.load(10**9) == list(range(1000, 50_000, 1000))


def test_a_clock_that_jumps_back_forgets_nothing_that_was_loaded_and_loads_nothing_new() -> None:
    desk = Desk()
    desk.keep(1000, 2000, 3000)
    assert desk.load(2000) == [1000, 2000]
    assert desk.load(500) == []
    desk.keep(700)
    assert desk.load(600) == []

    assert desk.load(3000) == [700, 3000]


def test_so_many_of_a_topic_are_in_our_hands_at_once_and_more_when_these_end() -> None:
    desk = Desk()
    desk.keep(*range(1, MAX_LOADED + 501))
    first = desk.load(10**6)
    assert first == list(range(1, MAX_LOADED + 1))
    assert desk.load(10**6) == []
    desk.load(10**6)
    found = []
    for one in [*Desk(FakeStore(desk.store.durable)).delayed.load(10**6, everybody)][:300]:
        desk.end(one)
    for _ in range(3):
        found += desk.load(10**6)

    assert found == list(range(MAX_LOADED + 1, MAX_LOADED + 301))


def test_a_topic_that_may_not_run_now_holds_up_no_other() -> None:
    desk = Desk()
    for number in range(MAX_LOADED + 10):
        desk.put(number, 100, "mail")
    desk.put(5, 200)
    desk.durable()
    found = [offset for _ in range(3) for offset in desk.load(1000, closed="mail")]
    assert found == [5]

    assert sorted(desk.load(1000)) == list(range(MAX_LOADED))


def test_a_topic_of_which_nothing_ends_holds_up_no_other() -> None:
    desk = Desk()
    for number in range(3 * MAX_LOADED):
        desk.put(number, 100, "mail")
    desk.put(5, 200)
    desk.durable()
    found = [one for _ in range(5) for one in desk.delayed.load(1000, everybody)]

    assert [one.offset for one in found if one.topic == "order"] == [5]
    assert len(found) == MAX_LOADED + 1


@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_things_happen_each_is_loaded_once_and_none_too_early(seed: int) -> None:
    dice, desk, now = random.Random(seed), Desk(), 0
    waiting: dict[int, int] = {}
    hands: list[StoredRecord] = []
    seen: list[int] = []
    for offset in range(300):
        due = now + dice.randrange(-50, 100)
        if due > 0:
            desk.put(offset, due, dice.choice(("order", "mail")))
            waiting[offset] = due
        if dice.random() < 0.5:
            desk.durable()
        now = max(0, now + dice.randrange(-20, 30))
        for found in desk.load(now):
            assert waiting[found] <= now
            seen.append(found)
        hands += desk.loaded
        dice.shuffle(hands)
        while hands and dice.random() < 0.4:
            desk.end(hands.pop())
    desk.durable()
    seen += desk.load(10**6)

    assert sorted(seen) == sorted(waiting)


def test_a_hundred_thousand_delayed_events_need_little_memory_and_all_run(rocks: Store) -> None:
    count, batch = 100_000, WriteBatch(raw_mode=True)
    for number in range(count):
        source = record(b"x" * 200, offset=number, headers=(("ce_id", b"%d" % number),))
        batch.put(delayed_key(1000 + number // 10, "order", number), encode_record(source, 1000))
    rocks._db.write(batch)
    del batch
    delayed, ended, now, peak = Delayed(rocks), 0, 0, 0
    tracemalloc.start()
    while ended < count:
        if ended > 10 * MAX_LOADED and tracemalloc.is_tracing():  # it makes everything slow
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        now += 500
        found = delayed.load(now, everybody)
        assert len(found) <= MAX_LOADED
        batch = WriteBatch(raw_mode=True)
        for one in found:
            batch.delete(one.entry)
        rocks._db.write(batch)
        for one in found:
            delayed.finished(one)
        ended += len(found)

    assert list(rocks.scan(DELAYED)) == []
    assert 0 < peak < 8 << 20


def test_a_scan_does_not_cross_what_was_deleted() -> None:
    """RocksDB keeps its tombstones for a while: crossing them again and again costs time."""
    desk, starts = Desk(), list[bytes | None]()
    scan = desk.store.scan

    def listening(prefix: bytes, start: bytes | None = None) -> Any:
        starts.append(start)
        return scan(prefix, start)

    desk.store.scan = listening  # type: ignore[method-assign] # listens
    desk.keep(100, 200, 300)
    for now in (100, 200):
        desk.load(now)
        desk.end(desk.loaded[0])
    desk.load(250)
    desk.load(250)

    assert starts[-1] == delayed_key(300, "order", 300)
    desk.load(300)
    desk.end(desk.loaded[0])
    desk.load(1000)
    desk.load(1000)
    assert starts[-1] == b"d\1"


def test_what_is_not_due_is_not_even_read(rocks: Store) -> None:
    batch = WriteBatch(raw_mode=True)
    for number in range(20_000):
        batch.put(delayed_key(10_000 + number, "order", number), encode_record(record(), 1))
    rocks._db.write(batch)
    read = 0

    class Counting:
        def scan(self, prefix: bytes, start: bytes | None = None) -> object:
            nonlocal read
            for row in rocks.scan(prefix, start):
                read += 1
                yield row

    delayed = Delayed(Counting())  # type: ignore[arg-type] # all that it uses of a store
    for _ in range(100):
        assert delayed.load(9_999, everybody) == []

    assert read == 100
