"""Crashes, played through with real marks and intents: a poison, its bystanders, five deaths."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from streamagents.events.envelope import header
from streamagents.pipeline.mark import Mark, Status
from streamagents.runtime.intent import NOTHING, Intent
from support.bench import Bench
from support.records import Order, Scripted, record, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context

POISON = record(b'{"customer":"poison"}', offset=5)
CALM = record(b'{"customer":"calm"}', offset=6)


class Hanging:
    """An agent that stays until its worker dies: the poison; others finish after it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    async def run(self, order: Order, ctx: Context) -> None:
        self.begun.append(str(order.customer))
        if order.customer == "poison" or "poison" in self.begun:
            await asyncio.Event().wait()


async def killed(bench: Bench, intent: Intent, *sources: object) -> FakeStore:
    """A process with these records in hand is killed: only what was durable is left."""
    tasks = [bench.start(source, intent) for source in (POISON, CALM) if source in sources]
    await turns(60)
    bench.writer.closed = bench.handling.releasing = True  # nothing that dying does is written
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return FakeStore(bench.store.durable)


async def test_a_poison_is_a_letter_after_five_deaths_and_its_bystander_is_done() -> None:
    store, intent, deaths = FakeStore(), Intent(), 0
    while True:
        agent, process = Hanging(), f"p{deaths + 1}"
        heir = intent.inherited_by(process)
        bench = Bench(agent, process=process, store=store)
        left = await killed(bench, heir, POISON, CALM)
        if bench.letters:
            break
        deaths += 1
        assert "poison" in agent.begun
        store, intent = (
            left,
            replace(heir, high=100),
        )
    (letter,) = bench.letters
    calm = bench.mark(CALM)

    assert deaths == 5
    assert (letter.value, header(letter.headers, "streamagents-error-code")) == (
        POISON.value,
        b"crash",
    )
    assert header(letter.headers, "streamagents-attempts") == b"0"
    assert calm is not None
    assert calm.status is Status.DONE
    assert bench.worker.cleared == {"p1", "p2", "p3", "p4", "p5"}


async def test_without_a_death_nobody_writes_a_mark_before_it_runs() -> None:
    bench = Bench()
    await bench.handle(POISON, Intent(process="p1"))

    assert len(bench.writer.committed) == 1


async def test_what_was_in_reach_of_a_dead_process_is_marked_before_it_runs() -> None:
    agent = Scripted()
    bench = Bench(agent, process="p2")
    bench.writer.holds = True
    task = bench.start(POISON, Intent(process="p1", high=100).inherited_by("p2"))
    await turns()
    mark = bench.mark(POISON)

    assert agent.calls == []
    assert mark is not None
    assert (mark.status, mark.history.owner) == (Status.RUNNING, "p2")
    assert (mark.history.deaths, mark.history.alone) == (("p1",), False)
    bench.writer.commit()
    await task
    assert len(agent.calls) == 1


async def test_what_lies_beyond_the_reach_of_a_dead_process_is_not() -> None:
    bench = Bench(process="p2")
    beyond = record(b'{"customer":"ada"}', offset=101)
    await bench.handle(beyond, Intent(process="p1", high=100).inherited_by("p2"))

    assert len(bench.writer.committed) == 1


async def test_our_own_earlier_run_of_it_was_no_death() -> None:
    first = Bench(Hanging())
    careful = Intent(process="p0", high=100).inherited_by("p1")
    left = await killed(first, careful, POISON)
    again = Bench(process="p1", store=left)
    again.writer.holds = True
    task = again.start(POISON, careful)
    await turns()
    mark = again.mark(POISON)
    again.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])

    assert mark is not None
    assert mark.history.deaths == ("p0",)


async def test_a_crash_is_no_failure() -> None:
    bench = Bench(Hanging())
    left = await killed(bench, Intent(process="p0", high=100).inherited_by("p1"), POISON)
    (value,) = left.durable.values()
    agent = Scripted(ValueError("no"), None)
    await Bench(agent, process="p2", store=left).handle(POISON)

    assert Mark.decode(value).attempts == 0
    assert [info.attempt for info in agent.calls] == [1, 2]


async def test_finishing_clears_an_events_own_deaths() -> None:
    bench = Bench(process="p2")
    await bench.handle(POISON, Intent(process="p1", high=100).inherited_by("p2"))
    mark = bench.mark(POISON)

    assert mark is not None
    assert (mark.status, mark.history.deaths) == (Status.DONE, ())


async def test_a_released_event_was_in_no_death() -> None:
    agent = Hanging()
    bench = Bench(agent, process="p2")
    task = bench.start(POISON, Intent(process="p1", high=100).inherited_by("p2"))
    await turns()
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    await turns()
    heir = Bench(Hanging(), process="p3", store=FakeStore(bench.store.durable))
    released = Intent(process="p2", high=NOTHING, careful=100, suspect="p1")
    before = heir.mark(POISON)
    await killed(heir, released.inherited_by("p3"), POISON)
    after = heir.mark(POISON)

    assert before is not None
    assert after is not None
    assert (before.status, before.history.deaths) == (Status.RELEASED, ("p1",))
    assert (after.status, after.history.deaths) == (Status.RUNNING, ("p1",))
