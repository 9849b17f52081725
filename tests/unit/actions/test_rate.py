"""Turns: no more than so many in a second, in the order they were asked for."""

from __future__ import annotations

import asyncio

import pytest

from streamagents.actions.rate import Rate
from streamagents.testing import FakeClock


class Line:
    """Those who ask for turns, and when they got them."""

    def __init__(self, per_second: float | None) -> None:
        self.clock = FakeClock()
        self.rate = Rate(per_second, self.clock)
        self.turns: list[tuple[int, float]] = []

    async def ask(self, number: int) -> None:
        await self.rate.turn()
        self.turns.append((number, round(self.clock.monotonic(), 6)))

    def begin(self, *numbers: int) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.ask(number)) for number in numbers]

    async def until(self, second: float) -> None:
        """Let time pass, from one who wakes to the next."""
        await settle()
        while (wake_s := self.clock.next_wake_s) is not None:
            if self.clock.monotonic() + wake_s > second:
                break
            self.clock.advance(wake_s)
            await settle()
        self.clock.advance(second - self.clock.monotonic())
        await settle()


async def settle() -> None:
    """Let all who can run do so: one after another they take their turns."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_without_a_rate_nobody_waits() -> None:
    line = Line(None)

    await asyncio.wait_for(asyncio.gather(*line.begin(*range(1000))), 5)

    assert {second for _, second in line.turns} == {0.0}


@pytest.mark.parametrize("per_second", [0.5, 1, 2.5, 3, 5, 50])
async def test_turns_are_spaced_and_in_order(per_second: float) -> None:
    line = Line(per_second)
    line.begin(*range(20))

    await line.until(20 / per_second)

    assert line.turns == [(number, round(number / per_second, 6)) for number in range(20)]


async def test_who_asks_later_does_not_get_it_earlier() -> None:
    line = Line(2)
    line.begin(1, 2, 3)
    await line.until(0.6)
    line.begin(4)

    await line.until(10)

    assert line.turns == [(1, 0.0), (2, 0.5), (3, 1.0), (4, 1.5)]


async def test_quiet_times_are_not_saved_up() -> None:
    line = Line(2)
    line.begin(1)
    await line.until(60)
    line.begin(2, 3, 4)

    await line.until(70)

    assert line.turns == [(1, 0.0), (2, 60.0), (3, 60.5), (4, 61.0)]


async def test_who_gives_up_takes_no_turn() -> None:
    line = Line(1)
    _, second, third, _ = line.begin(1, 2, 3, 4)
    await line.until(0.5)

    second.cancel()
    await line.until(1.5)
    third.cancel()
    await line.until(10)

    # 2 was the next when it gave up, and 3 got its turn before it did.
    assert line.turns == [(1, 0.0), (3, 1.0), (4, 2.0)]


async def test_a_loop_that_was_late_makes_up_for_a_little_and_no_more() -> None:
    line = Line(100)
    line.begin(*range(100))
    await settle()

    line.clock.advance(0.05)  # nobody could wake in between
    await settle()
    assert len(line.turns) == 6

    line.clock.advance(60)
    await settle()
    assert len(line.turns) == 6 + 1 + 11  # the one that had waited, and what fits into 0.1 s
