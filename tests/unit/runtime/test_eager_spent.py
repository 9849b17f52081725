"""A spare task that was cancelled and has not ended yet is nobody's task any more."""

from __future__ import annotations

import asyncio

import pytest

from support.desks import OwnedBench
from support.records import Order, registration, turns


class Forgetful:
    """Amount 1 leaves its task to a home-made timer behind, and ends; others wait."""

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None
        self.ended: list[int] = []
        self.go = asyncio.Event()

    async def run(self, order: Order) -> None:
        if order.amount == 1:
            self.task = asyncio.current_task()
            return
        await self.go.wait()
        self.ended.append(order.amount)

    def cancel(self) -> None:
        """The timer is up."""
        assert self.task is not None
        self.task.cancel()


def value(amount: int) -> bytes:
    return b'{"customer":"c%d","amount":%d}' % (amount, amount)


@pytest.mark.parametrize("first", [1, 0], ids=["the spare waits", "it has not begun"])
async def test_a_late_timer_of_an_event_that_has_ended_harms_no_other(first: int) -> None:
    agent = Forgetful()
    bench = OwnedBench(registration(agent, in_flight=5)).begin()
    await bench.deliver(value(first))  # the intent is durable from here on
    if first == 0:
        bench.poll(value(1))  # runs in a new spare task, which has not taken its first step
    agent.cancel()
    bench.poll(value(2))  # in the same turn of the loop
    await turns(60)
    agent.go.set()
    await turns(60)

    assert 2 in agent.ended
    assert (bench.lost, bench.worker.gate.running) == ([], 0)
