"""Agents in their lanes: what one does to its own task or context, no other has to bear."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from streamagents.errors import RetryLater
from streamagents.runtime.intent import AHEAD
from support import wait_until_async
from support.desks import OwnedBench
from support.records import Order, Scripted, ada, registration, turns

if TYPE_CHECKING:
    from streamagents.agents import Context

REQUEST: ContextVar[str] = ContextVar("request", default="nobody's")


def customer(name: str, amount: int = 0) -> bytes:
    return b'{"customer":"%b","amount":%d}' % (name.encode(), amount)


class Selfish:
    """Cancels its own task in its first step; others wait a little, or do nothing."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def run(self, order: Order, ctx: Context) -> None:
        if order.customer == "selfish":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            if self.how == "raises":
                raise ValueError("no")
            if self.how == "waits":
                await asyncio.sleep(0.01)
        elif order.customer == "patient":
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("before", [0, 1], ids=["a new spare", "a spare that waits"])
@pytest.mark.parametrize("how", ["raises", "returns", "waits"])
async def test_an_agent_that_cancels_its_own_task_in_its_first_step_harms_nobody(
    how: str, before: int
) -> None:
    bench = OwnedBench(registration(Selfish(how), attempts=1)).begin()
    for _ in range(before):
        await bench.deliver(customer("before"))
    await bench.deliver(customer("selfish"), customer("patient"), b"{}")
    ended = bench.reports
    await wait_until_async(lambda: len(ended.of("ok") + ended.of("dead_lettered")) == 3 + before)

    assert bench.lost == []
    innocent = [*range(before), before + 1, before + 2]
    assert [offset for offset in sorted(ended.of("ok")) if offset != before] == innocent
    assert ended.of("retried") == []


@pytest.mark.parametrize("how", ["raises", "returns", "waits"])
async def test_an_agent_that_cancels_the_task_of_its_lane_harms_none_of_the_lane(how: str) -> None:
    class Third(Selfish):
        async def run(self, order: Order, ctx: Context) -> None:
            as_one = {3: "selfish"}.get(order.amount, "patient" if order.amount % 2 else "quick")
            await super().run(order.model_copy(update={"customer": as_one}), ctx)

    bench = OwnedBench(registration(Third(how), attempts=1)).begin()
    await bench.deliver(*[customer("ada", amount) for amount in range(1, 7)])
    ended = bench.reports
    await wait_until_async(lambda: len(ended.of("ok") + ended.of("dead_lettered")) == 6)

    assert bench.lost == []
    assert [offset for offset in ended.of("ok") if offset != 2] == [0, 1, 3, 4, 5]


async def test_what_an_agent_puts_into_its_context_is_gone_at_the_next_event_of_the_key() -> None:
    """As `structlog.contextvars.bind_contextvars` does it."""
    seen: list[str] = []

    async def bind(order: Order, ctx: Context) -> None:
        seen.append(REQUEST.get())
        REQUEST.set(f"{order.amount}")
        await asyncio.sleep(0)
        seen.append(REQUEST.get())

    bench = OwnedBench(registration(Scripted(bind))).begin()
    await bench.deliver(*[customer("ada", number) for number in (1, 2, 3)])

    assert seen == ["nobody's", "1", "nobody's", "2", "nobody's", "3"]


async def test_who_begins_when_a_write_is_durable_is_not_in_the_step_that_wrote() -> None:
    """The writer's task was begun by a step within a step: what it admits runs on its own."""
    emitted: list[str] = []

    async def inner() -> int:
        return 1

    class Nested:
        async def run(self, order: Order, ctx: Context) -> None:
            async def outer() -> int:
                return await ctx.step("inner", inner)

            if order.customer == "outer":
                await ctx.step("outer", outer)
            else:
                emitted.append(ctx.emit(Order(customer="next")))

    bench = OwnedBench(registration(Nested(), attempts=1), limit=5000).begin()
    await bench.deliver(customer("first"))
    emitted.clear()
    bench.poll(customer("outer"))
    # Beyond the intent: the writer's task admits it.
    bench.poll(*[customer(str(number)) for number in range(AHEAD + 5)])
    await turns(200)

    assert bench.reports.of("dead_lettered") == []
    assert len(emitted) == AHEAD + 5


async def test_events_of_all_keys_are_handled_whatever_their_agents_do() -> None:
    async def any_way(order: Order, ctx: Context) -> None:
        for _ in range(order.amount % 4):
            await asyncio.sleep(0)
        if order.amount % 7 == 0:
            raise ValueError("no")

    bench = OwnedBench(registration(Scripted(any_way), attempts=2), limit=5000).begin()
    values = [customer(f"c{number % 50}", number) for number in range(1000)]
    await bench.deliver(*values)
    await turns(300)

    failed = [number for number in range(1000) if number % 7 == 0]
    assert bench.reports.of("dead_lettered") != []
    assert sorted(bench.reports.of("dead_lettered")) == failed
    assert sorted(bench.reports.of("ok")) == [n for n in range(1000) if n % 7]
    assert bench.partition.positions() == {"order": 1000}
    assert (bench.lost, bench.worker.gate.running) == ([], 0)
    begun = bench.reports.of("started")
    for key in range(50):
        mine = [number for number in begun if number % 50 == key]
        assert mine == sorted(mine)


async def test_what_an_agent_sets_is_gone_at_the_next_event_of_a_parked_lane() -> None:
    seen: list[str] = []

    async def bind(order: Order, ctx: Context) -> None:
        if not seen:
            seen.append("parked")
            raise RetryLater(60)
        seen.append(REQUEST.get())
        REQUEST.set(f"{order.amount}")

    bench = OwnedBench(registration(Scripted(bind))).begin()
    await bench.deliver(*ada(1, 2, 3))
    await bench.after(60)

    assert seen == ["parked", "nobody's", "nobody's", "nobody's"]


async def test_who_cancels_itself_at_once_in_a_parked_lane_does_not_harm_it() -> None:
    handled: list[int] = []

    async def cancel(order: Order, ctx: Context) -> None:
        if not handled:
            handled.append(0)
            raise RetryLater(60)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        handled.append(order.amount)

    bench = OwnedBench(registration(Scripted(cancel))).begin()
    await bench.deliver(*ada(1, 2, 3))
    await bench.after(60)

    assert (handled, bench.lost) == ([0, 1, 2, 3], [])


async def test_no_more_begin_than_may_run_and_the_next_follow_at_once() -> None:
    running: list[int] = []
    most = 0
    over = asyncio.Event()

    async def wait(order: Order, ctx: Context) -> None:
        nonlocal most
        running.append(order.amount)
        most = max(most, len(running))
        await over.wait()
        running.remove(order.amount)

    bench = OwnedBench(registration(Scripted(wait), in_flight=3)).begin()
    await bench.deliver(*(customer(f"c{number}", number) for number in range(20)))
    assert running == [0, 1, 2]
    assert len(bench.reports.of("started")) == 3
    over.set()
    await turns(100)

    assert (most, len(bench.reports.of("ok"))) == (3, 20)
