"""Steps of an event: durable at once, found by every later attempt, gone when the event is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from streamagents.errors import RetryLater
from streamagents.pipeline.mark import Status
from streamagents.pipeline.places import steps_of
from streamagents.runtime.intent import Intent
from support import wait_until_async
from support.bench import Bench
from support.records import Order, Scripted, record, turns
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


class Profile(BaseModel):
    name: str
    score: int = 0


class Enriching:
    """Two steps, then what the test says; counts how often each function ran."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.ran: list[str] = []
        self.got: list[Any] = []

    async def enrich(self, name: str) -> Profile:
        self.ran.append("enrich")
        return Profile(name=name, score=len(self.ran))

    def score(self, name: str) -> int:
        self.ran.append("score")
        return 7

    async def run(self, order: Order, ctx: Context) -> None:
        profile = await ctx.step("enrich", self.enrich, str(order.customer))
        self.got.append((profile, await ctx.step("score", self.score, profile.name)))
        if self.errors:
            raise self.errors.pop(0)


def steps(bench: Bench) -> dict[bytes, bytes]:
    """What is durable of the event's steps."""
    return bench.store.under(steps_of(bench.incoming(SOURCE).seen_key))


def heir(bench: Bench, agent: Any, **policy: Any) -> Bench:
    return Bench(agent, process="p2", store=FakeStore(bench.store.durable), **policy)


async def killed(bench: Bench) -> None:
    """A process dies with the event in its hands: only what was durable is left."""
    task = bench.start(SOURCE)
    await turns(60)
    bench.writer.closed = bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])


async def hang(order: Order, ctx: Context) -> None:
    await ctx.step("one", len, "abc")
    await asyncio.Event().wait()


async def test_a_retry_gets_what_the_steps_returned_and_runs_none_again() -> None:
    agent = Enriching(ValueError("no"), ValueError("no"))
    bench = Bench(agent)
    await bench.handle(SOURCE)

    assert agent.ran == ["enrich", "score"]
    assert agent.got == [(Profile(name="ada", score=1), 7)] * 3
    assert bench.reports.outcomes[-1] == "ok"


async def test_steps_go_with_the_mark_that_the_event_is_done() -> None:
    bench = Bench(Enriching(ValueError("no")))
    await bench.handle(SOURCE)
    last = bench.writer.committed[-1]

    assert steps(bench) == {}
    assert sorted(value is None for value in last.writes.values()) == [False, True, True]
    mark = bench.mark(SOURCE)
    assert mark is not None
    assert mark.status is Status.DONE


async def test_a_step_is_durable_before_what_follows_it() -> None:
    seen: list[str] = []

    async def work(order: Order, ctx: Context) -> None:
        await ctx.step("one", len, "abc")
        seen.append("behind the step")

    bench = Bench(Scripted(work))
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await asyncio.sleep(0.05)  # its function runs in a thread
    await turns()
    assert (seen, len(bench.writer.queue)) == ([], 1)
    bench.writer.commit()
    await task

    assert seen == ["behind the step"]


async def test_a_worker_that_was_frozen_in_a_step_does_not_pay_for_the_next_one() -> None:
    """Its successor has the first one's result, and may have paid for the second one."""
    agent = Enriching()
    bench = Bench(agent)
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await turns(60)
    bench.alive = False
    bench.writer.commit()
    await turns(60)
    assert agent.ran == ["enrich"]
    bench.alive, bench.writer.holds = True, False
    bench.clock.advance(1)
    await task

    assert agent.ran == ["enrich", "score"]


async def test_the_first_step_brings_a_mark_that_says_so_and_whose_it_is() -> None:
    bench = Bench(Scripted(hang))
    await killed(bench)
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.history.steps, mark.history.owner) == (Status.RUNNING, True, "p1")
    assert len(steps(bench)) == 1


async def test_the_next_process_finds_the_steps_of_one_that_died() -> None:
    first = Enriching()

    class Dies(Enriching):
        async def run(self, order: Order, ctx: Context) -> None:
            await super().run(order, ctx)
            await asyncio.Event().wait()

    dies = Dies()
    dies.__class__.__name__ = "Enriching"
    bench = Bench(dies)
    task = bench.start(SOURCE)
    await wait_until_async(lambda: dies.got)
    bench.writer.closed = bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    again = heir(bench, first)
    await again.handle(SOURCE, Intent())

    assert (dies.ran, first.ran) == (["enrich", "score"], [])
    assert first.got == [(Profile(name="ada", score=1), 7)]
    assert steps(again) == {}


async def test_a_letters_steps_stay_and_its_replay_finds_and_ends_them() -> None:
    agent = Enriching(ValueError("no"))
    bench = Bench(agent, attempts=1)
    await bench.handle(SOURCE)
    assert (len(bench.letters), len(steps(bench))) == (1, 2)
    again = Enriching()
    later = heir(bench, again)
    await later.handle(REPLAYED)

    assert (again.ran, again.got) == ([], agent.got)
    assert steps(later) == {}


async def test_a_replay_that_fails_leaves_the_steps_for_the_next_one() -> None:
    bench = Bench(Enriching(ValueError("no"), ValueError("no")), attempts=1)
    await bench.handle(SOURCE)
    await bench.handle(REPLAYED)

    assert (len(bench.letters), len(steps(bench))) == (2, 2)


async def test_a_parked_events_steps_wait_with_it() -> None:
    agent = Enriching(RetryLater(60))
    bench = Bench(agent)
    assert not await bench.handle(SOURCE)
    assert len(steps(bench)) == 2
    mark = bench.mark(SOURCE)
    assert mark is not None
    assert (mark.history.parked, mark.history.steps) == (True, True)
    again = Enriching()
    later = heir(bench, again)
    later.clock.advance(60)
    ((_, incoming),) = later.waiting.due()
    rest = later.handling.begin(incoming, later.subscription, Intent())
    assert rest is not None
    await rest
    await turns()

    assert (again.ran, again.got) == ([], agent.got)
    assert steps(later) == {}


async def test_a_release_says_that_there_are_steps() -> None:
    bench = Bench(Scripted(hang))
    task = bench.start(SOURCE)
    await wait_until_async(lambda: steps(bench))
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    await turns()
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.history.steps) == (Status.RELEASED, True)
