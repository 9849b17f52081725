"""Slots: how many run at once, first come, first served."""

from __future__ import annotations

import asyncio
import random

import pytest

from streamagents.runtime.slots import Slots
from support.records import turns


class Queue:
    """Those who wait for a slot; each keeps it until it is told to leave."""

    def __init__(self, limit: int) -> None:
        self.slots = Slots(limit)
        self.inside: list[int] = []
        self.served: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def come(self, *names: int) -> None:
        for name in names:
            self.tasks[name] = asyncio.get_running_loop().create_task(self._wait(name))

    async def _wait(self, name: int) -> None:
        await self.slots.wait()
        self.inside.append(name)
        self.served.append(name)

    def leave(self, name: int) -> None:
        self.inside.remove(name)
        self.slots.give()

    async def free(self, limit: int) -> bool:
        """Whether, when all have left, there are as many slots as in the beginning."""
        await turns()
        while self.inside:
            self.leave(self.inside[0])
            await turns(5)
        taken = 0
        while self.slots.take():
            taken += 1
        return taken == limit


async def test_there_are_as_many_as_there_are() -> None:
    slots = Slots(2)

    assert [slots.take() for _ in range(4)] == [True, True, False, False]
    slots.give()
    assert [slots.take(), slots.take()] == [True, False]


async def test_where_there_is_room_nobody_waits() -> None:
    slots = Slots(1)
    await asyncio.wait_for(slots.wait(), 1)

    assert not slots.take()


async def test_who_waits_longest_is_served_first() -> None:
    queue = Queue(1)
    queue.come(1, 2, 3, 4)
    await turns()
    for name in (1, 2, 3, 4):
        assert queue.inside == [name]
        queue.leave(name)
        await turns(5)

    assert queue.served == [1, 2, 3, 4]
    assert await queue.free(1)


async def test_nobody_gets_ahead_of_those_who_wait() -> None:
    queue = Queue(1)
    queue.come(1, 2)
    await turns()
    queue.leave(1)
    late = queue.slots.take()  # in the same moment: it is 2's already
    await turns()

    assert (late, queue.inside) == (False, [2])
    assert await queue.free(1)


async def test_who_is_cancelled_while_it_waits_takes_none_along() -> None:
    queue = Queue(1)
    queue.come(1, 2, 3)
    await turns()
    queue.tasks[2].cancel()
    await turns()
    queue.leave(1)
    await turns()

    assert queue.inside == [3]
    assert await queue.free(1)


async def test_who_is_cancelled_when_it_was_given_one_hands_it_on() -> None:
    queue = Queue(1)
    queue.come(1, 2, 3)
    await turns()
    queue.leave(1)
    queue.tasks[2].cancel()
    await turns()

    assert queue.tasks[2].cancelled()
    assert queue.inside == [3]
    assert await queue.free(1)


async def test_the_last_in_line_that_is_cancelled_when_it_was_given_one_frees_it() -> None:
    queue = Queue(1)
    queue.come(1, 2)
    await turns()
    queue.leave(1)
    queue.tasks[2].cancel()

    assert await queue.free(1)


@pytest.mark.parametrize("seed", range(100))
async def test_no_order_of_events_loses_a_slot_or_makes_one(seed: int) -> None:
    dice, limit = random.Random(seed), 3
    queue = Queue(limit)
    for name in range(60):
        queue.come(name)
        what = dice.random()
        if what < 0.3 and queue.inside:
            queue.leave(dice.choice(queue.inside))
        if what < 0.15 or what > 0.85:
            dice.choice(list(queue.tasks.values())).cancel()
        assert len(queue.inside) <= limit
        await turns(dice.randrange(3))
    while any(not task.done() for task in queue.tasks.values()):
        if queue.inside:
            queue.leave(queue.inside[0])
        await turns(3)

    assert [type(task.exception()) for task in queue.tasks.values() if not task.cancelled()] == [
        type(None)
    ] * len(queue.served)
    assert await queue.free(limit)
