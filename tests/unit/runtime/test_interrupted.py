"""`ctx.event.interrupted`: whether an earlier attempt ended without telling how far it got."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import NotSentError, Reject, RetryLater
from streamagents.pipeline.mark import Status
from streamagents.runtime.intent import NOTHING, Intent
from support.bench import Bench
from support.records import Order, Scripted, record, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),))
REPLAYED = record(
    b'{"customer":"ada"}', headers=(("ce_id", b"c-1"), ("streamagents-replay-count", b"1"))
)


async def hang(order: Order, ctx: Context) -> None:
    await asyncio.Event().wait()


def bench_of(agent: Any, *, marked: bool = False, **more: Any) -> Bench:
    """A bench; `marked` as a channel's: a mark before each run."""
    bench = Bench(agent, **more)
    if marked:
        owner = replace(bench.subscription.registration, marked=True)
        bench.subscription = replace(bench.subscription, registration=owner)
    return bench


async def given_back(bench: Bench, task: asyncio.Task[bool]) -> None:
    """What a partition does to a lane when the grace is over."""
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    await turns()


async def cut_off(bench: Bench, task: asyncio.Task[bool]) -> None:
    """A fenced owner, or one that is killed: nothing that it still does is written."""
    bench.writer.closed = True
    await given_back(bench, task)


async def told(
    before: Bench, *, process: str = "p2", intent: Intent | None = None, marked: bool = False
) -> list[bool]:
    """What the next owner's agent is told."""
    agent = Scripted()
    store = FakeStore(before.store.durable)
    await bench_of(agent, marked=marked, process=process, store=store).handle(SOURCE, intent)
    return [info.interrupted for info in agent.calls]


async def test_a_first_attempt_was_not() -> None:
    agent = Scripted()
    await Bench(agent).handle(SOURCE)

    assert [info.interrupted for info in agent.calls] == [False]


@pytest.mark.parametrize(
    ("error", "marked", "expected"),
    [
        (ValueError("no"), False, False),
        (ConnectionResetError(), False, False),
        (asyncio.CancelledError(), False, False),
        (TimeoutError("of its own"), False, True),
        (RetryLater(0), False, False),
        (ValueError("no"), True, True),
        (ConnectionResetError(), True, True),
        (TimeoutError(), True, True),
        (asyncio.CancelledError(), True, True),
        (RetryLater(0), True, False),
        (NotSentError("refused"), True, False),
    ],
)
async def test_after_a_failure_it_depends_on_what_was_raised_and_on_who_runs(
    error: BaseException,
    marked: bool,  # noqa: FBT001 - a case
    expected: bool,  # noqa: FBT001 - a case
) -> None:
    agent = Scripted(error, None)
    await bench_of(agent, marked=marked).handle(SOURCE)

    assert [info.interrupted for info in agent.calls] == [False, expected]


@pytest.mark.parametrize("marked", [True, False])
async def test_who_ran_out_of_time_was(marked: bool) -> None:  # noqa: FBT001 - a case
    agent = Scripted(hang, None)
    await bench_of(agent, marked=marked, timeout_s=0.01).handle(SOURCE)

    assert [info.interrupted for info in agent.calls] == [False, True]


async def test_it_is_not_forgotten_by_failures_and_waits_that_follow() -> None:
    errors = [TimeoutError(), ValueError("no"), RetryLater(0), ValueError("no"), None]
    agent = Scripted(*errors)
    await Bench(agent, attempts=9).handle(SOURCE)

    assert [info.interrupted for info in agent.calls] == [False, True, True, True, True]


@pytest.mark.parametrize("after_s", [10, 600], ids=["held", "parked"])
async def test_the_next_owner_is_told_of_an_attempt_that_ran_out_of_time(after_s: float) -> None:
    bench = Bench(Scripted(TimeoutError(), RetryLater(after_s)))
    task = bench.start(SOURCE)
    await turns()
    if not task.done():
        await given_back(bench, task)

    assert await told(bench) == [True]


@pytest.mark.parametrize("marked", [True, False])
async def test_who_was_cancelled_by_a_release_was(marked: bool) -> None:  # noqa: FBT001 - a case
    bench = bench_of(Scripted(hang), marked=marked)
    task = bench.start(SOURCE)
    await turns()
    await given_back(bench, task)
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.history.interrupted) == (Status.RELEASED, True)
    assert await told(bench, marked=marked) == [True]


async def test_who_hides_its_cancellation_was_all_the_same() -> None:
    async def hide(order: Order, ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as exc:
            raise RuntimeError("the client was closed") from exc

    bench = bench_of(Scripted(hide), marked=True)
    task = bench.start(SOURCE)
    await turns()
    await given_back(bench, task)

    assert await told(bench, marked=True) == [True]


@pytest.mark.parametrize("process", ["p1", "p2"])
async def test_who_was_running_when_its_owner_was_cut_off_was(process: str) -> None:
    """Also if that was ourselves: the release could not be written."""
    bench = bench_of(Scripted(hang), marked=True)
    task = bench.start(SOURCE)
    await turns()
    await cut_off(bench, task)

    assert await told(bench, process=process, marked=True) == [True]


async def test_a_death_of_our_own_past_is_none() -> None:
    bench = bench_of(Scripted(hang), marked=True)
    task = bench.start(SOURCE)
    await turns()
    await cut_off(bench, task)
    case = {
        process: bench_of(None, marked=True, process=process, store=bench.store).case(SOURCE)
        for process in ("p1", "p2")
    }

    assert case["p1"].history.deaths == ()
    assert case["p2"].history.deaths == ("p1",)


async def test_who_may_have_been_running_when_its_process_died_was() -> None:
    """Without a mark of its own nobody knows: it lay in the reach of the dead one's intent."""
    intent = Intent(process="p1", high=100).inherited_by("p2")
    agents = [Scripted(), Scripted()]
    for agent, offset in zip(agents, (100, 101), strict=True):
        source = record(b'{"customer":"ada"}', offset=offset)
        await Bench(agent, process="p2").handle(source, intent)

    assert [agent.calls[0].interrupted for agent in agents] == [True, False]


async def test_a_process_that_released_was_in_no_death() -> None:
    intent = Intent(process="p1", high=NOTHING).inherited_by("p2")

    assert await told(Bench(), intent=intent) == [False]


@pytest.mark.parametrize("marked", [True, False])
async def test_who_had_not_begun_was_not(marked: bool) -> None:  # noqa: FBT001 - a case
    """It waited for a slot, or for a worker that was frozen."""
    bench = bench_of(Scripted(), marked=marked)
    bench.alive = False
    task = bench.start(SOURCE)
    await turns()
    await given_back(bench, task)

    assert await told(bench, marked=marked) == [False]


async def test_whose_mark_was_on_its_way_had_not_begun() -> None:
    agent = Scripted()
    bench = bench_of(agent, marked=True)
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await turns()
    await given_back(bench, task)
    bench.writer.commit()

    assert agent.calls == []
    assert await told(bench, marked=True) == [False]


async def test_who_was_frozen_while_its_mark_was_on_its_way_does_not_begin() -> None:
    """Its successor may have delivered meanwhile; it would not be told so."""
    agent = Scripted()
    bench = bench_of(agent, marked=True)
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await turns()
    bench.alive = False
    bench.writer.commit()
    await turns()
    assert agent.calls == []
    await given_back(bench, task)
    bench.writer.commit()

    assert agent.calls == []
    assert await told(bench, marked=True) == [False]


async def test_who_ended_within_the_grace_was_not() -> None:
    go = asyncio.Event()

    async def fail(order: Order, ctx: Context) -> None:
        await go.wait()
        raise ValueError("no")

    bench = Bench(Scripted(fail))
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    go.set()
    await asyncio.wait([task])
    await turns()

    assert await told(bench) == [False]


@pytest.mark.parametrize("error", [Reject("never"), TimeoutError()])
async def test_a_replay_begins_anew(error: BaseException) -> None:
    """A person has looked at it: what they send again is to be sent."""
    agent = Scripted(error, None)
    bench = bench_of(agent, marked=True, attempts=1)
    await bench.handle(SOURCE)
    await bench.handle(REPLAYED)

    assert [info.interrupted for info in agent.calls] == [False, False]
    assert bench.reports.outcomes[-1] == "ok"
