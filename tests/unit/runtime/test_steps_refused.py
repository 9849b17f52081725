"""Steps that run again, that are refused, and what their functions may not do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.errors import ConfigurationError
from streamagents.events.envelope import header
from streamagents.pipeline.places import steps_of
from support import wait_until_async
from support.bench import Bench
from support.records import Note, Order, Receipt, Scripted, record, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),), key=b"ada")
REPLAYED = record(
    b'{"customer":"ada"}',
    offset=20,
    key=b"ada",
    headers=(("ce_id", b"c-1"), ("streamagents-replay-count", b"1")),
)


class Enriching:
    """One step, then what the test says; counts how often its function ran."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.ran: list[str] = []

    def score(self, name: str) -> int:
        self.ran.append(name)
        return 7

    async def run(self, order: Order, ctx: Context) -> None:
        await ctx.step("score", self.score, str(order.customer))
        if self.errors:
            raise self.errors.pop(0)


def steps(bench: Bench) -> dict[bytes, bytes]:
    """What is durable of the event's steps."""
    return bench.store.under(steps_of(bench.incoming(SOURCE).seen_key))


def heir(bench: Bench, agent: Any, **policy: Any) -> Bench:
    return Bench(agent, process="p2", store=FakeStore(bench.store.durable), **policy)


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        ((1,), (2,), "arguments"),
        (("a", "b"), ("b", "a"), "arguments"),
        (({"k": 1},), (), "arguments"),
    ],
)
async def test_with_other_arguments_a_step_runs_again_and_that_is_told(
    first: tuple[Any, ...], then: tuple[Any, ...], reason: str
) -> None:
    ran: list[Any] = []

    async def note(*arguments: Any) -> int:
        ran.append(arguments)
        return len(ran)

    async def once(order: Order, ctx: Context) -> None:
        await ctx.step("note", note, *first)
        raise ValueError("no")

    async def again(order: Order, ctx: Context) -> Receipt:
        return Receipt(text=str(await ctx.step("note", note, *then)))

    bench = Bench(Scripted(once, again))
    await bench.handle(SOURCE)
    told = [report for report in bench.reports.all if report.outcome == "step_rerun"]

    assert ran == [first, then]
    assert [(report.code, report.detail) for report in told] == [(reason, "note")]
    assert steps(bench) == {}


@pytest.mark.parametrize(("keeps", "runs"), [(True, 0), (False, 1)])
async def test_another_version_of_the_agent_keeps_its_steps_unless_it_says_otherwise(
    keeps: bool,  # noqa: FBT001 - a case
    runs: int,
) -> None:
    class Next(Enriching):
        version = "2"
        keep_steps = keeps

    bench = Bench(Enriching(ValueError("no")), attempts=1)
    await bench.handle(SOURCE)
    agent = Next()
    later = heir(bench, agent)
    await later.handle(REPLAYED)

    assert agent.ran == ["ada"] * runs
    assert later.reports.outcomes.count("step_rerun") == runs


async def test_a_step_that_cannot_be_written_fails_its_agent_and_nobody_else() -> None:
    agent = Enriching()
    bench = Bench(agent, attempts=2)
    bench.writer.unwritable = MessageSizeTooLargeError("too much")
    await bench.handle(SOURCE)

    assert agent.ran == ["ada", "ada"]
    assert bench.reports.outcomes == ["started", "step", "retried", "started", "step", "ok"]


async def test_an_event_without_steps_asks_for_none() -> None:
    bench = Bench(Scripted(ValueError("no"), None))
    read: list[bytes] = []
    scan = bench.store.scan
    bench.store.scan = lambda prefix, start=None: read.append(prefix) or scan(prefix, start)  # type: ignore[method-assign,func-returns-value] # listens
    await bench.handle(SOURCE)

    assert read == []


async def test_the_first_attempt_of_an_event_looks_for_no_stored_step() -> None:
    """There can be none: a read of RocksDB that is saved for nearly every event."""
    bench = Bench(Enriching(ValueError("no")))
    read: list[bytes] = []
    get = bench.store.get

    def listening(key: bytes) -> bytes | None:
        read.append(key)
        return get(key)

    bench.store.get = listening  # type: ignore[method-assign] # listens
    await bench.handle(SOURCE)

    assert [key[:2] for key in read if key.startswith(b"s")] == [b"s\0"]  # the second asks once


async def test_a_result_that_is_too_large_makes_a_letter_that_says_so() -> None:
    async def large() -> str:
        return "x" * (6 << 20)

    async def work(order: Order, ctx: Context) -> None:
        await ctx.step("large", large)

    bench = Bench(Scripted(work), attempts=1)
    await bench.handle(SOURCE)

    assert header(bench.letters[0].headers, "streamagents-error-code") == b"too_large"
    assert steps(bench) == {}


@pytest.mark.parametrize("use", ["emit", "act", "state"])
async def test_a_steps_function_may_neither_emit_nor_act_nor_change_the_state(use: str) -> None:
    async def work(order: Order, ctx: Context) -> None:
        def inside() -> None:
            if use == "emit":
                ctx.emit(Receipt())
            elif use == "act":
                ctx.act(Note())
            else:
                ctx.state.set("count", 1)

        await ctx.step("inside", inside)

    bench = Bench(Scripted(work), attempts=1)
    await bench.handle(SOURCE)

    assert b"step 'inside'" in (header(bench.letters[0].headers, "__streams.errors.message") or b"")
    assert [out.topic for out in bench.records] == ["order.dlq"]


async def test_a_plain_step_runs_in_a_thread_and_a_plain_agent_has_none() -> None:
    threads: list[Any] = []

    async def work(order: Order, ctx: Context) -> None:
        await ctx.step("where", lambda: threads.append(threading.current_thread()))

    class Plain:
        def run(self, order: Order, ctx: Context) -> None:
            ctx.step("one", len, "abc")

    await Bench(Scripted(work)).handle(SOURCE)
    bench = Bench(Plain(), attempts=1)
    await bench.handle(SOURCE)

    assert threads[0] is not threading.main_thread()
    assert b"is awaited" in (header(bench.letters[0].headers, "__streams.errors.message") or b"")


async def test_what_a_run_left_behind_can_store_nothing_any_more() -> None:
    go, errors = asyncio.Event(), list[BaseException]()

    async def slow() -> int:
        await go.wait()
        return 1

    async def late(ctx: Context) -> None:
        try:
            await ctx.step("late", slow)
        except ConfigurationError as exc:
            errors.append(exc)

    async def work(order: Order, ctx: Context) -> None:
        tasks.append(asyncio.create_task(late(ctx)))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    bench = Bench(Scripted(work))
    await bench.handle(SOURCE)
    go.set()
    await asyncio.gather(*tasks)

    assert ["after run() had ended" in str(error) for error in errors] == [True]
    assert steps(bench) == {}


async def test_a_step_under_way_when_time_is_up_is_gone_with_the_event() -> None:
    async def work(order: Order, ctx: Context) -> None:
        async def quick() -> int:
            return 1

        await ctx.step("quick", quick)

    bench = Bench(Scripted(work, None), timeout_s=0.02)
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await asyncio.sleep(0.1)  # its write was not durable in time
    bench.writer.holds = False
    bench.writer.commit()
    await task
    await turns()

    assert bench.reports.outcomes == ["started", "retried", "started", "ok"]
    assert steps(bench) == {}


async def test_after_a_step_that_could_not_be_written_the_next_one_brings_the_mark() -> None:
    """Without it the next owner would not know that there are steps, and nobody would end them."""

    async def work(order: Order, ctx: Context) -> None:
        with contextlib.suppress(Exception):
            await ctx.step("first", len, "abc")
        await ctx.step("second", len, "abc")
        await asyncio.Event().wait()

    bench = Bench(Scripted(work))
    bench.writer.unwritable = MessageSizeTooLargeError("too much")
    task = bench.start(SOURCE)
    await wait_until_async(lambda: steps(bench))
    mark = bench.mark(SOURCE)
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])

    assert mark is not None
    assert mark.history.steps
