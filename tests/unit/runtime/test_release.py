"""Giving an event back: a shutdown or a rebalance is nobody's fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.pipeline.mark import Status
from streamagents.runtime.intent import Intent
from support.bench import Bench
from support.records import Order, Scripted, record, turns

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}')
CAREFUL = Intent(process="p0", high=100).inherited_by("p1")


async def hang(order: Order, ctx: Context) -> None:
    await asyncio.Event().wait()


async def released(bench: Bench, task: asyncio.Task[bool]) -> None:
    """What a partition does to a lane when the grace is over."""
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    await turns()


async def test_an_event_that_was_cut_off_is_given_back_with_a_mark_that_says_so() -> None:
    bench = Bench(Scripted(hang))
    task = bench.start(SOURCE)
    await turns()
    await released(bench, task)
    mark = bench.mark(SOURCE)

    assert task.cancelled()
    assert bench.finished == []
    assert mark is not None
    assert (mark.status, mark.history.interrupted) == (Status.RELEASED, True)
    assert bench.reports.outcomes == ["started", "released"]


async def test_an_event_marked_as_running_is_marked_as_released() -> None:
    bench = Bench(Scripted(hang))
    task = bench.start(SOURCE, CAREFUL)
    await turns()
    before = bench.mark(SOURCE)
    await released(bench, task)
    after = bench.mark(SOURCE)

    assert before is not None
    assert after is not None
    assert (before.status, after.status) == (Status.RUNNING, Status.RELEASED)
    assert (after.attempts, after.history.deaths) == (0, ("p0",))
    assert bench.finished == []


async def test_an_event_between_two_attempts_keeps_its_failures() -> None:
    bench = Bench(Scripted(ValueError("no")), backoff_s=30)
    task = bench.start(SOURCE, CAREFUL)
    await turns()
    await released(bench, task)
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.attempts) == (Status.WAITING, 1)


async def test_an_event_whose_mark_is_on_its_way_is_released_behind_it() -> None:
    bench = Bench(Scripted(hang))
    bench.writer.holds = True
    task = bench.start(SOURCE, CAREFUL)
    await turns()
    await released(bench, task)
    bench.writer.commit()
    mark = bench.mark(SOURCE)

    assert [len(group.writes) for group in bench.writer.committed] == [1, 1]
    assert mark is not None
    assert mark.status is Status.RELEASED


async def test_an_event_that_waits_for_a_slot_is_given_back_without_a_mark() -> None:
    bench = Bench(Scripted(hang), in_flight=1)
    first = bench.start(SOURCE, CAREFUL)
    await turns()
    second = bench.start(record(b'{"customer":"bob"}', offset=8), CAREFUL)
    await turns()
    await released(bench, second)

    assert bench.mark(record(b'{"customer":"bob"}', offset=8)) is None
    await released(bench, first)
    assert bench.gate.running == 0


async def test_a_given_back_event_runs_again_as_the_same_attempt() -> None:
    bench = Bench(Scripted(hang))
    task = bench.start(SOURCE, CAREFUL)
    await turns()
    await released(bench, task)
    agent = Scripted()
    await Bench(agent, process="p2", store=bench.store).handle(SOURCE)

    assert [info.attempt for info in agent.calls] == [1]


async def test_an_agent_that_ends_within_the_grace_is_done() -> None:
    go = asyncio.Event()

    async def wait(order: Order, ctx: Context) -> None:
        await go.wait()

    bench = Bench(Scripted(wait))
    task = bench.start(SOURCE)
    await turns()
    assert bench.handling.running == {task}
    bench.handling.releasing = True
    go.set()
    await task
    await turns()

    assert (bench.finished, bench.handling.running) == ([7], set())


async def test_an_agent_that_raises_a_cancellation_of_its_own_within_the_grace_has_failed() -> None:
    go = asyncio.Event()

    async def give_up(order: Order, ctx: Context) -> None:
        await go.wait()
        raise asyncio.CancelledError

    bench = Bench(Scripted(give_up), attempts=1)
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    go.set()
    await task
    bench.writer.commit()

    assert bench.reports.outcomes == ["started", "dead_lettered"]


async def test_an_agent_that_fails_within_the_grace_does_not_hold_it_up() -> None:
    go = asyncio.Event()

    async def fail(order: Order, ctx: Context) -> None:
        await go.wait()
        raise ValueError("no")

    bench = Bench(Scripted(fail), backoff_s=30)
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    go.set()
    await asyncio.wait([task], timeout=0.5)
    mark = bench.mark(SOURCE)

    assert task.cancelled()
    assert mark is not None
    assert (mark.status, mark.attempts) == (Status.WAITING, 1)


async def test_a_frozen_worker_gives_back_what_it_had_not_begun() -> None:
    agent = Scripted()
    bench = Bench(agent)
    bench.alive = False
    task = bench.start(SOURCE, CAREFUL)
    await turns()
    await released(bench, task)

    assert (agent.calls, bench.writer.committed) == ([], [])
    assert bench.gate.running == 0


async def test_a_thread_is_not_interrupted_by_a_release_and_what_it_did_counts() -> None:
    import threading

    go, ended = threading.Event(), threading.Event()

    class InThread:
        def run(self, order: Order) -> None:
            go.wait(10)
            ended.set()

    bench = Bench(InThread())
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    task.cancel()
    _, waiting = await asyncio.wait([task], timeout=0.05)
    assert waiting == {task}
    go.set()
    await task

    assert ended.is_set()
    assert bench.mark(SOURCE) is not None
