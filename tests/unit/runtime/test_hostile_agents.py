"""Hostile agents: what one does to its task costs it an attempt at most, and never its neighbours.

Each takes the first event of a key, in its first step or after a wait; the events behind it and
those of another key are handled once, in order, and the partition is kept.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.agents import Context  # noqa: TC001 - the annotation of run() is read
from streamagents.errors import ConfigurationError
from streamagents.events.envelope import header
from streamagents.pipeline.places import value_key
from streamagents.runtime.intent import Intent, intent_key
from support import wait_until_async
from support.desks import OwnedBench
from support.records import Note, Order, Receipt, ada, bob, registration, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from streamagents.ports import Outgoing

    Deed = Callable[[Context], Awaitable[Any]]


class Hostile:
    """Does its deed with the first event, and takes note of the others."""

    def __init__(self, deed: Deed, *, waits: bool = False) -> None:
        self._deed, self._waits = deed, waits
        self.handled: list[tuple[str | None, int, int]] = []

    async def run(self, order: Order, ctx: Context) -> Any:
        """Be hostile once."""
        if order.amount == 1:
            if self._waits:
                await asyncio.sleep(0)
            return await self._deed(ctx)
        self.handled.append((order.customer, order.amount, ctx.event.attempt))
        if order.amount == 3:
            await asyncio.sleep(0)
        return None


def own_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


# -- deeds ---------------------------------------------------------------------------------------


async def cancels_itself_and_ends(ctx: Context) -> None:
    own_task().cancel()


async def cancels_itself_and_takes_it_back(ctx: Context) -> None:
    own_task().cancel()
    own_task().uncancel()


async def cancels_itself_twice_and_takes_one_back(ctx: Context) -> None:
    own_task().cancel()
    own_task().cancel()
    own_task().uncancel()


async def cancels_itself_and_waits(ctx: Context) -> None:
    own_task().cancel()
    await asyncio.Event().wait()


async def does_not_heed_its_cancellation(ctx: Context) -> Receipt:
    own_task().cancel()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return Receipt(text="all the same")


async def times_a_wait_out(ctx: Context) -> Receipt:
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        return Receipt(text="too late")
    raise AssertionError


async def hang() -> str:
    await asyncio.Event().wait()
    return ""


async def impatient() -> str:
    async with asyncio.timeout(0.001):
        return await hang()


async def times_out_in_a_step(ctx: Context) -> None:
    await ctx.step("slow", impatient)


async def times_a_step_out(ctx: Context) -> Receipt:
    try:
        async with asyncio.timeout(0.001):
            await ctx.step("slow", hang)
    except TimeoutError:
        return Receipt(text="too late")
    raise AssertionError


async def gathers_in_a_group(ctx: Context) -> None:
    async def part(number: int) -> None:
        await asyncio.sleep(0)
        ctx.emit(Receipt(text=str(number)))

    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(part(number))


async def fails_in_a_group(ctx: Context) -> None:
    async def part() -> None:
        raise ValueError("no")

    async with asyncio.TaskGroup() as group:
        group.create_task(part())
        await asyncio.Event().wait()


async def shields_what_it_gives_up(ctx: Context) -> Receipt:
    gate = asyncio.Event()
    inner = asyncio.ensure_future(gate.wait())
    try:
        async with asyncio.timeout(0.001):
            await asyncio.shield(inner)
    except TimeoutError:
        gate.set()
        await inner
    return Receipt(text="given up")


async def awaits_itself(ctx: Context) -> None:
    await own_task()


class Odd:
    """What no event loop understands."""

    def __await__(self) -> Generator[Any, None, None]:
        yield 5


async def yields_nonsense(ctx: Context) -> None:
    await Odd()


async def ends_an_iteration(ctx: Context) -> None:
    raise StopIteration(3)


async def raises_a_group_with_an_exit(ctx: Context) -> None:
    raise BaseExceptionGroup("both", [SystemExit(1), ValueError("no")])


async def returns_a_generator(ctx: Context) -> Any:
    async def events() -> Any:
        yield Receipt(text="never asked for")

    return events()


LEAVES: list[tuple[Deed, str, int]] = [
    (cancels_itself_and_ends, "", 0),
    (cancels_itself_and_takes_it_back, "", 0),
    (cancels_itself_twice_and_takes_one_back, "", 0),
    (cancels_itself_and_waits, "CancelledError", 0),
    (does_not_heed_its_cancellation, "", 1),
    (times_a_wait_out, "", 1),
    (times_out_in_a_step, "TimeoutError", 0),
    (times_a_step_out, "", 1),
    (gathers_in_a_group, "", 3),
    (fails_in_a_group, "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)", 0),
    (shields_what_it_gives_up, "", 1),
    (awaits_itself, "RuntimeError: Task cannot await on itself", 0),
    (yields_nonsense, "RuntimeError: Task got bad yield: 5", 0),
    (ends_an_iteration, "RuntimeError: coroutine raised StopIteration", 0),
    (raises_a_group_with_an_exit, "BaseExceptionGroup: both (2 sub-exceptions)", 0),
    (returns_a_generator, "TypeError: Hostile.run returned async_generator", 0),
]
"""A deed, how the letter's reason goes on if there is one, and how many events it emits."""


def of_topic(bench: OwnedBench, topic: str) -> list[Outgoing]:
    return [out for out in bench.records if out.topic == topic]


@pytest.mark.parametrize("waits", [False, True], ids=["first step", "after a wait"])
@pytest.mark.parametrize(
    ("deed", "reason", "emitted"), LEAVES, ids=[deed.__name__ for deed, *_ in LEAVES]
)
async def test_a_hostile_agent_harms_nobody_but_its_event(
    deed: Deed,
    reason: str,
    emitted: int,
    waits: bool,  # noqa: FBT001 - a case
) -> None:
    agent = Hostile(deed, waits=waits)
    bench = OwnedBench(registration(agent, attempts=1)).begin()
    await bench.deliver(*ada(1, 2, 3, 4), *bob(2, 3))
    await wait_until_async(lambda: bench.partition.positions() == {"order": 6}, 5)

    letters = [
        (header(out.headers, "__streams.errors.message") or b"").decode()
        for out in of_topic(bench, "order.dlq")
    ]
    assert [letter.partition("the last with ")[2].startswith(reason) for letter in letters] == (
        [True] if reason else []
    )
    assert len(of_topic(bench, "receipt")) == emitted
    assert sorted(agent.handled) == [
        *(("ada", amount, 1) for amount in (2, 3, 4)),
        *(("bob", amount, 1) for amount in (2, 3)),
    ]
    assert [amount for who, amount, _ in agent.handled if who == "ada"] == [2, 3, 4]
    assert bench.lost == []
    await bench.release()


# -- whoever cancels a task that has gone on to the next event -----------------------------------


class Timed:
    """Keeps its task, for a timer that nobody takes back; `gates` are waited for, by amount."""

    def __init__(self, *failing: int) -> None:
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        self.gates: dict[int, asyncio.Event] = {}
        self.handled: list[tuple[int, int]] = []
        self._failing = set(failing)

    async def run(self, order: Order, ctx: Context) -> None:
        """Wait, fail once if it is to, take note."""
        self.tasks[order.amount] = own_task()
        await asyncio.sleep(0)
        if order.amount in self.gates:
            await self.gates[order.amount].wait()
        if order.amount in self._failing and ctx.event.attempt == 1:
            raise ValueError("not at once")
        self.handled.append((order.amount, ctx.event.attempt))


async def test_who_is_cancelled_between_two_attempts_goes_on_with_the_next() -> None:
    agent = Timed(1)
    bench = OwnedBench(registration(agent, backoff_s=30)).begin()
    await bench.deliver(*ada(1, 2))
    assert agent.handled == []
    agent.tasks[1].cancel()
    await turns()

    assert agent.handled == [(1, 2), (2, 1)]
    assert bench.lost == []
    assert bench.partition.positions() == {"order": 2}


async def test_who_is_cancelled_while_it_waits_for_a_slot_waits_on() -> None:
    agent = Timed()
    agent.gates[5] = asyncio.Event()
    bench = OwnedBench(registration(agent, in_flight=1)).begin()
    bench.poll(*ada(1, 2), *bob(5))
    await wait_until_async(lambda: 5 in agent.tasks, 5)
    await turns()
    agent.tasks[1].cancel()
    await turns()
    assert 2 not in agent.tasks
    agent.gates[5].set()
    await bench.after(1)

    assert sorted(agent.handled) == [(1, 1), (2, 1), (5, 1)]
    assert bench.lost == []
    assert bench.partition.positions() == {"order": 3}


async def test_who_is_cancelled_while_its_mark_is_on_its_way_runs_all_the_same() -> None:
    agent = Timed()
    agent.gates[1] = asyncio.Event()
    died = Intent(process="p0", high=100).encode()
    store = FakeStore({intent_key("order"): died})
    bench = OwnedBench(registration(agent), store=store).begin()
    await bench.deliver(*ada(1, 2))
    bench.writer.holds = True
    agent.gates[1].set()
    await turns()
    assert 2 not in agent.tasks  # its mark is not durable
    agent.tasks[1].cancel()
    await turns()
    bench.writer.holds = False
    bench.writer.commit()
    await turns()

    assert agent.handled == [(1, 1), (2, 1)]
    assert bench.lost == []


# -- whatever an agent leaves behind ---------------------------------------------------------------


async def test_a_task_that_was_left_behind_changes_nothing() -> None:
    left: list[asyncio.Task[list[str]]] = []
    go = asyncio.Event()

    async def later(ctx: Context) -> list[str]:
        await go.wait()
        refused = []
        for use in (
            lambda: ctx.emit(Receipt(text="too late")),
            lambda: ctx.act(Note(text="too late")),
            lambda: ctx.state.set("x", 1),
        ):
            try:
                use()
            except ConfigurationError as exc:
                refused.append(str(exc))
        return refused

    async def leaves_a_task(ctx: Context) -> Receipt:
        left.append(asyncio.ensure_future(asyncio.shield(later(ctx))))
        return Receipt(text="in time")

    bench = OwnedBench(registration(Hostile(leaves_a_task))).begin()
    await bench.deliver(*ada(1, 2))
    go.set()
    refused = await asyncio.wait_for(left[0], 5)
    await turns()

    assert ["was used after run() had ended" in text for text in refused] == [True] * 3
    assert [out.topic for out in bench.records] == ["receipt"]
    assert bench.store.get(value_key("Hostile", b"ada", "x")) is None
    assert bench.partition.positions() == {"order": 2}


# -- whoever goes on when its event was given back -----------------------------------------------


async def test_who_does_not_heed_a_release_pays_for_nothing_more() -> None:
    paid: list[str] = []

    async def pay() -> str:
        paid.append("paid")
        return "a receipt"

    async def deaf(ctx: Context) -> None:
        while not go.is_set():
            with suppress(asyncio.CancelledError):
                await go.wait()
        await ctx.step("pay", pay)

    go = asyncio.Event()
    bench = OwnedBench(registration(Hostile(deaf))).begin()
    await bench.deliver(*ada(1))
    (lane,) = bench.partition._lanes.tasks
    await bench.release()
    bench.partition.drop()
    go.set()
    await asyncio.wait([lane], timeout=5)

    assert lane.done()
    assert paid == []
    assert bench.partition.positions() == {}
