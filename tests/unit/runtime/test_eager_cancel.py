"""Eager tasks, cancelled in every window: whom it was meant for is cancelled, and nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support.eager import Eager
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(params=["a new spare", "a spare that waits"])
async def eager(request: pytest.FixtureRequest) -> AsyncIterator[Eager]:
    made = Eager()
    if request.param == "a spare that waits":
        await made.warm_up()
    yield made
    await made.end()


class Work:
    """Waits, and tells what happened to it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.go = asyncio.Event()

    async def run(self) -> None:
        self.seen.append("begun")
        try:
            await self.go.wait()
            self.seen.append("ended")
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0)  # cleaning up may take a while
            self.seen.append("cleaned")


async def ended(task: asyncio.Task[None]) -> str:
    """How a task ended, within a bound."""
    await asyncio.wait([task], timeout=5)
    return "cancelled" if task.cancelled() else "done" if task.done() else "pending"


@pytest.mark.parametrize("turns_before", range(5))
async def test_it_is_cancelled_whenever_that_comes(eager: Eager, turns_before: int) -> None:
    """At once (before its task ran at all), when its task has just woken up, and later."""
    work = Work()
    task = eager.start(work.run())
    await turns(turns_before)
    task.cancel()

    assert await ended(task) == "cancelled"
    assert work.seen == ["begun", "cancelled", "cleaned"]


@pytest.mark.parametrize("turns_before", range(4))
async def test_who_is_cancelled_twice_is_cancelled_while_it_cleans_up(
    eager: Eager, turns_before: int
) -> None:
    work = Work()
    task = eager.start(work.run())
    await turns(turns_before)
    task.cancel()
    await turns(2)
    task.cancel()

    assert await ended(task) == "cancelled"
    assert work.seen[:2] == ["begun", "cancelled"]


@pytest.mark.parametrize("turns_before", range(4))
async def test_who_does_not_heed_a_cancellation_goes_on(eager: Eager, turns_before: int) -> None:
    seen: list[str] = []

    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("no")

    task = eager.start(stubborn())
    await turns(turns_before)
    task.cancel()
    await turns(5)
    assert (seen, task.done()) == (["no"], False)
    task.cancel()

    assert await ended(task) == "done"
    assert seen == ["no", "no"]


@pytest.mark.parametrize("turns_before", range(4))
async def test_a_time_limit_and_a_cancellation_are_told_apart(
    eager: Eager, turns_before: int
) -> None:
    async def work() -> None:
        async with asyncio.timeout(60):
            await asyncio.Event().wait()

    task = eager.start(work())
    await turns(turns_before)
    task.cancel()

    assert await ended(task) == "cancelled"


@pytest.mark.parametrize("turns_before", range(5))
async def test_the_parts_of_a_cancelled_task_group_end_with_it(
    eager: Eager, turns_before: int
) -> None:
    part = Work()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part.run())
            await asyncio.Event().wait()

    task = eager.start(work())
    await turns(turns_before)
    task.cancel()

    assert await ended(task) == "cancelled"
    assert part.seen in ([], ["begun", "cancelled", "cleaned"])


async def test_the_cancellation_of_one_harms_neither_those_before_nor_those_after_it(
    eager: Eager,
) -> None:
    works = [Work() for _ in range(5)]
    tasks = [eager.start(work.run()) for work in works[:3]]
    tasks[1].cancel()
    tasks += [eager.start(work.run()) for work in works[3:]]
    await turns()
    for work in works:
        work.go.set()

    found = [await ended(task) for task in tasks]
    assert found == ["done", "cancelled", "done", "done", "done"]


async def test_closing_cancels_nothing_that_is_under_way(eager: Eager) -> None:
    work = Work()
    task = eager.start(work.run())
    eager.tasks.close()
    await turns()
    work.go.set()

    assert await ended(task) == "done"
