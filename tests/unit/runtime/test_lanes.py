"""Lanes: events of one key in order, all keys at once."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.runtime.lanes import Lanes
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import Coroutine

Event = tuple[str, int]


class Desk:
    """Handles events; each waits until it is let go, but those that are `quick`."""

    def __init__(self) -> None:
        self.begun: list[Event] = []
        self.ended: list[Event] = []
        self.broken: list[BaseException] = []
        self.fails: BaseException | None = None
        self.fails_at_once: BaseException | None = None
        self.quick: set[Event] = set()
        self.open = asyncio.Event()
        self.lanes: Lanes[Event] = Lanes(self._begin, self.broken.append)

    def _begin(self, event: Event) -> Coroutine[Any, Any, None] | None:
        self.begun.append(event)
        if self.fails_at_once is not None:
            raise self.fails_at_once
        if event in self.quick:
            self.ended.append(event)
            return None
        return self._go_on(event)

    async def _go_on(self, event: Event) -> None:
        await self.open.wait()
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        self.ended.append(event)

    def push(self, *events: Event) -> None:
        for event in events:
            self.lanes.push(event[0], event)

    async def drained(self) -> None:
        self.open.set()
        while self.lanes.tasks:
            await asyncio.wait(self.lanes.tasks)


async def test_all_keys_run_at_once_and_each_one_event_at_a_time() -> None:
    desk = Desk()
    desk.push(*[(key, number) for number in range(3) for key in "abc"])
    await turns()

    assert desk.begun == [("a", 0), ("b", 0), ("c", 0)]
    await desk.drained()
    assert len(desk.ended) == 9


@pytest.mark.parametrize("seed", range(5))
async def test_the_order_of_a_key_is_the_order_of_its_arrival(seed: int) -> None:
    desk, dice = Desk(), random.Random(seed)
    desk.open.set()
    for number in range(300):
        desk.push((dice.choice("abcdefg"), number))
        if dice.random() < 0.3:
            await turns(1)
    await desk.drained()

    for key in "abcdefg":
        mine = [number for other, number in desk.ended if other == key]
        assert mine == sorted(mine)
    assert len(desk.ended) == 300


async def test_ten_thousand_keys_run_at_once() -> None:
    desk = Desk()
    desk.push(*[(str(number), number) for number in range(10_000)])
    await turns(3)

    assert len(desk.begun) == len(desk.lanes.tasks) == 10_000
    await desk.drained()
    assert len(desk.ended) == 10_000


async def test_a_lane_ends_with_its_last_event_and_begins_again_with_the_next() -> None:
    desk = Desk()
    desk.push(("a", 1))
    await desk.drained()
    assert desk.lanes.tasks == frozenset()
    desk.push(("a", 2))
    await desk.drained()

    assert desk.ended == [("a", 1), ("a", 2)]


async def test_an_event_that_comes_while_the_last_one_ends_is_not_forgotten() -> None:
    desk = Desk()
    desk.push(("a", 1))
    await turns()
    desk.open.set()
    await turns(1)
    desk.push(("a", 2))
    await desk.drained()

    assert desk.ended == [("a", 1), ("a", 2)]


async def test_closed_lanes_finish_what_runs_and_begin_nothing() -> None:
    desk = Desk()
    desk.push(("a", 1), ("a", 2), ("b", 1), ("b", 2))
    await turns()
    desk.lanes.close()
    desk.push(("c", 1), ("a", 3))
    await desk.drained()

    assert desk.ended == [("a", 1), ("b", 1)]
    assert desk.broken == []


async def test_a_closed_lane_ends_what_it_began_and_forgets_what_waits() -> None:
    desk = Desk()
    desk.push(("a", 1), ("a", 2))
    desk.lanes.close()
    await desk.drained()

    assert (desk.begun, desk.ended, desk.broken) == ([("a", 1)], [("a", 1)], [])


async def test_the_first_event_of_a_key_begins_at_once() -> None:
    desk = Desk()
    desk.push(("a", 1), ("b", 1), ("a", 2))

    assert desk.begun == [("a", 1), ("b", 1)]
    await desk.drained()


async def test_an_event_that_waits_for_nothing_needs_no_task() -> None:
    desk = Desk()
    desk.quick = {("a", 1), ("a", 2), ("b", 1)}
    desk.push(("a", 1), ("b", 1), ("a", 2))

    assert desk.ended == [("a", 1), ("b", 1), ("a", 2)]
    assert desk.lanes.tasks == frozenset()


async def test_events_that_wait_for_nothing_keep_their_order_behind_one_that_does() -> None:
    desk = Desk()
    desk.quick = {("a", 2), ("a", 4)}
    desk.push(*[("a", number) for number in range(1, 6)])
    assert (desk.begun, desk.ended) == ([("a", 1)], [])
    await desk.drained()

    assert desk.begun == desk.ended == [("a", number) for number in range(1, 6)]
    assert desk.broken == []


async def test_a_very_long_lane_of_events_that_wait_for_nothing_ends() -> None:
    desk = Desk()
    desk.quick = {("a", number) for number in range(1, 5000)}
    desk.push(*[("a", number) for number in range(5000)])
    await desk.drained()

    assert desk.ended == [("a", number) for number in range(5000)]


async def test_an_error_of_ours_before_an_event_waits_is_told_and_harms_no_other_key() -> None:
    desk, error = Desk(), RuntimeError("a defect")
    desk.fails_at_once = error
    desk.push(("a", 1))
    desk.fails_at_once = None
    desk.push(("b", 1))
    await desk.drained()

    assert (desk.broken, desk.ended) == ([error], [("b", 1)])


async def test_an_error_of_ours_behind_another_event_is_told() -> None:
    desk, error = Desk(), RuntimeError("a defect")
    desk.push(("a", 1), ("a", 2), ("b", 1))
    await turns()
    desk.fails_at_once = error
    await desk.drained()
    await turns()

    assert (desk.broken, desk.ended) == ([error], [("a", 1), ("b", 1)])


async def test_an_error_of_ours_breaks_the_lane_and_is_told_once() -> None:
    desk, error = Desk(), RuntimeError("a defect")
    desk.fails = error
    desk.push(("a", 1), ("a", 2))
    await desk.drained()
    await turns()

    assert desk.broken == [error]
    assert desk.begun == [("a", 1)]


async def test_a_lane_cancelled_by_a_release_is_not_broken() -> None:
    desk = Desk()
    desk.push(("a", 1), ("a", 2))
    await turns()
    desk.lanes.close()
    for task in desk.lanes.tasks:
        task.cancel()
    await desk.drained()
    await turns()

    assert (desk.broken, desk.ended) == ([], [])


async def test_one_broken_lane_leaves_the_others_alone() -> None:
    desk = Desk()
    desk.push(("a", 1))
    await turns()
    desk.fails = RuntimeError("a defect")
    desk.open.set()
    await turns()
    desk.fails = None
    desk.push(("b", 1))
    await desk.drained()

    assert desk.ended == [("b", 1)]


async def test_a_lane_that_was_cancelled_unasked_is_broken() -> None:
    broken: list[BaseException] = []

    async def cancelled(event: int) -> None:
        raise asyncio.CancelledError

    lanes: Lanes[int] = Lanes(cancelled, broken.append)
    lanes.push("a", 1)
    lanes.push("a", 2)
    await turns()

    assert len(broken) == 1
