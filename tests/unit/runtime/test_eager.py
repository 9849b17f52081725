"""Eager tasks: a coroutine begins at once, and nobody can tell it from one in a task."""

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
    """Both states that the spare task may be in when work comes."""
    made = Eager()
    if request.param == "a spare that waits":
        await made.warm_up()
    yield made
    await made.end()


async def test_what_waits_for_nothing_ends_at_once_and_needs_no_task(eager: Eager) -> None:
    seen: list[int] = []

    async def work(number: int) -> None:
        seen.append(number)

    assert [eager.run(work(number)) for number in range(100)] == [None] * 100
    assert seen == list(range(100))


async def test_what_waits_goes_on_in_a_task(eager: Eager) -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append("begun")
        await asyncio.sleep(0)
        seen.append("ended")

    task = eager.start(work())
    assert seen == ["begun"]
    await task

    assert seen == ["begun", "ended"]
    assert not task.cancelled()


@pytest.mark.parametrize("waits", [True, False], ids=["later", "at once"])
@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_what_it_raises_arrives(eager: Eager, error: BaseException, *, waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
            if not isinstance(error, Exception | asyncio.CancelledError):
                return  # the loop itself would end
        raise error

    if not waits:
        with pytest.raises(type(error)) as caught:
            eager.run(work())
        assert caught.value is error
        return
    task = eager.start(work())
    await asyncio.wait([task])

    if isinstance(error, asyncio.CancelledError):
        assert task.cancelled()
    elif isinstance(error, Exception):
        assert task.exception() is error


async def test_an_error_of_one_leaves_the_next_alone(eager: Eager) -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def work() -> None:
        await asyncio.sleep(0)

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            eager.run(fail())
        await eager.start(work())


async def test_the_current_task_is_the_same_all_the_way(eager: Eager) -> None:
    seen: list[asyncio.Task[object] | None] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    outer = asyncio.current_task()
    task = eager.start(work())
    assert asyncio.current_task() is outer
    await task

    assert seen == [task] * 3
    assert outer is not task


async def test_the_current_task_of_whoever_begins_is_back_after_an_error(eager: Eager) -> None:
    async def fail() -> None:
        raise ValueError("no")

    outer = asyncio.current_task()
    with pytest.raises(ValueError, match="no"):
        eager.run(fail())

    assert asyncio.current_task() is outer


async def test_it_may_be_begun_from_a_callback_which_is_in_no_task(eager: Eager) -> None:
    """As the writer does it, when it says that something is durable."""
    seen: list[str] = []

    async def work() -> None:
        seen.append("begun")
        await asyncio.sleep(0)
        seen.append("ended")

    asyncio.get_running_loop().call_soon(lambda: eager.run(work()))
    await turns()

    assert seen == ["begun", "ended"]


async def test_a_time_limit_entered_before_the_first_wait_ends_it(eager: Eager) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            ended.append("time is up")
        await asyncio.sleep(0)
        ended.append("went on")

    await asyncio.wait_for(eager.start(work()), 5)

    assert ended == ["time is up", "went on"]


async def test_a_time_limit_that_is_over_before_it_begins_ends_it(eager: Eager) -> None:
    async def work() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    task = eager.start(work())
    await asyncio.wait([task], timeout=5)

    assert isinstance(task.exception(), TimeoutError)


async def test_a_task_group_entered_before_the_first_wait_works(eager: Eager) -> None:
    results: list[int] = []

    async def part(number: int) -> None:
        await asyncio.sleep(0)
        results.append(number)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(part(number))
        results.append(99)

    await asyncio.wait_for(eager.start(work()), 5)

    assert results == [0, 1, 2, 99]


async def test_a_failing_part_of_a_task_group_ends_the_group_and_nothing_else(eager: Eager) -> None:
    caught: list[str] = []

    async def fail() -> None:
        raise ValueError("a part")

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.Event().wait()
        except* ValueError:
            caught.append("group")
        await asyncio.sleep(0)
        caught.append("went on")

    task = eager.start(work())
    await asyncio.wait_for(task, 5)

    assert caught == ["group", "went on"]
    assert task.cancelling() == 0


async def test_a_future_that_is_done_meanwhile_is_noticed(eager: Eager) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    seen: list[int] = []

    async def work() -> None:
        seen.append(await future)

    task = eager.start(work())
    future.set_result(7)
    await asyncio.wait_for(task, 5)

    assert seen == [7]


async def test_very_many_begun_at_once_all_end(eager: Eager) -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        if number % 3:
            await asyncio.sleep(0)
        ended.append(number)

    tasks = [task for number in range(10_000) if (task := eager.run(work(number))) is not None]
    await asyncio.gather(*tasks)

    assert sorted(ended) == list(range(10_000))
    assert len(set(tasks)) == len(tasks)


async def test_letting_go_of_the_spare_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    eager = Eager()
    await eager.warm_up()
    assert len(asyncio.all_tasks() - before) == 1
    eager.tasks.close()
    await turns(3)

    assert asyncio.all_tasks() == before
