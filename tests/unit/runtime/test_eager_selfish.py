"""Eager tasks that cancel themselves, and what a cancelled one waits for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from support.eager import Eager
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine


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


async def cancel_own() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def cancels_itself_and_ends(seen: list[str]) -> None:
    await cancel_own()
    seen.append("ended")


async def cancels_itself_and_fails(seen: list[str]) -> None:
    await cancel_own()
    seen.append("failed")
    raise ValueError("no")


async def takes_it_back(seen: list[str]) -> None:
    await cancel_own()
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
    seen.append("ended")


SELFISH = [cancels_itself_and_ends, cancels_itself_and_fails, takes_it_back]


@pytest.mark.parametrize("selfish", SELFISH)
async def test_who_cancels_itself_in_its_first_step_harms_nobody_that_comes_after(
    eager: Eager, selfish: Any
) -> None:
    seen: list[str] = []
    try:
        eager.run(selfish(seen))
    except ValueError:
        seen.append("raised")
    works = [Work() for _ in range(3)]
    tasks = [eager.start(work.run()) for work in works]
    await turns()
    assert [work.seen for work in works] == [["begun"]] * 3
    for work in works:
        work.go.set()

    assert [await ended(task) for task in tasks] == ["done"] * 3


async def test_who_cancels_itself_before_its_first_wait_is_cancelled_there(eager: Eager) -> None:
    seen: list[str] = []

    async def work() -> None:
        await cancel_own()
        seen.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned")

    assert await ended(eager.start(work())) == "cancelled"
    assert seen == ["begun", "cleaned"]


async def test_a_task_that_was_asked_to_end_says_so(eager: Eager) -> None:
    counts: list[int] = []

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        counts.append(task.cancelling())
        task.cancel()
        counts.append(task.cancelling())
        task.uncancel()
        counts.append(task.cancelling())

    eager.run(work())

    assert counts == [0, 1, 0]


@pytest.mark.parametrize("turns_before", range(5))
async def test_what_a_cancelled_one_waits_for_is_cancelled_with_it(
    eager: Eager, turns_before: int
) -> None:
    inner = Work()
    inners: list[asyncio.Task[None]] = []

    async def work() -> None:
        inners.append(asyncio.get_running_loop().create_task(inner.run()))
        await inners[0]

    task = eager.start(work())
    await turns(turns_before)
    task.cancel()

    assert await ended(task) == "cancelled"
    assert await ended(inners[0]) == "cancelled"


@pytest.mark.parametrize("turns_before", range(5))
async def test_what_a_cancelled_one_gathers_is_cancelled_with_it(
    eager: Eager, turns_before: int
) -> None:
    parts: list[asyncio.Task[None]] = []

    def part() -> Coroutine[Any, Any, None]:
        return Work().run()

    async def work() -> None:
        parts.extend(asyncio.get_running_loop().create_task(part()) for _ in range(3))
        await asyncio.gather(*parts)

    task = eager.start(work())
    await turns(turns_before)
    task.cancel()

    assert await ended(task) == "cancelled"
    assert [await ended(one) for one in parts] == ["cancelled"] * 3
