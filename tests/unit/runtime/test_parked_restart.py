"""Parked lanes after a restart: whatever happened, the next owner knows what the last one knew."""

from __future__ import annotations

import random

import pytest

from support.parked import ADA, BOB, ParkedDesk
from support.stores import FakeStore


def test_a_restart_finds_lanes_order_and_times() -> None:
    desk = ParkedDesk()
    for offset in (1, 2, 3):
        desk.put(ADA, offset, due_ms=1000)
    desk.put(BOB, 4, due_ms=2000)
    desk.postpone(ADA, 8000)
    again = ParkedDesk(FakeStore(desk.store.durable))

    assert again.parked.count == 4
    assert list(again.parked.due(7999)) == [BOB]
    assert list(again.parked.due(8000)) == [ADA]
    again.put(ADA, 5)
    assert again.drained(ADA) == [1, 2, 3, 5]
    assert again.drained(BOB) == [4]


def test_after_a_restart_a_lane_whose_head_was_running_is_due_at_once() -> None:
    desk = ParkedDesk()
    desk.put(ADA, 1, due_ms=1000)
    desk.put(ADA, 2)
    list(desk.parked.due(1000))
    desk.end(ADA)
    again = ParkedDesk(FakeStore(desk.store.durable))

    assert list(again.parked.due(1)) == [ADA]
    assert again.drained(ADA) == [2]


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_a_restart_knows_what_the_last_owner_knew(seed: int) -> None:
    dice, desk, offset = random.Random(seed), ParkedDesk(), 0
    expected: dict[bytes, list[int]] = {ADA: [], BOB: []}
    for _ in range(60):
        lane = dice.choice((ADA, BOB))
        what = dice.choice(("put", "put", "end", "postpone", "restart"))
        if what == "put":
            offset += 1
            desk.put(lane, offset, due_ms=dice.randrange(1, 1000))
            expected[lane].append(offset)
        elif what == "restart":
            desk = ParkedDesk(FakeStore(desk.store.durable))
        elif expected[lane] and what == "end":
            assert desk.end(lane) == expected[lane].pop(0)
        elif expected[lane]:
            desk.postpone(lane, dice.randrange(1, 1000))
        assert desk.heads() == {one: all_[0] if all_ else None for one, all_ in expected.items()}
        assert desk.parked.count == sum(map(len, expected.values()))
        assert len(desk.store.durable) == desk.parked.count

    again = ParkedDesk(FakeStore(desk.store.durable))
    assert sorted(again.parked.due(10**9)) == [lane for lane in (ADA, BOB) if expected[lane]]
    assert {lane: again.drained(lane) for lane in (ADA, BOB)} == expected
