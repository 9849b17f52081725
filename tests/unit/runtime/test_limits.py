"""Time limits: those of the standard library, thousands on one timer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeAlias

import pytest

from streamagents.runtime.limits import Limits

Timeout: TypeAlias = Callable[[float], AbstractAsyncContextManager[object]]


def ours() -> Timeout:
    limits = Limits()

    @asynccontextmanager
    async def timeout(seconds: float) -> AsyncIterator[object]:
        with limits.limit(seconds) as limit:
            yield limit

    return timeout


@pytest.fixture(params=["ours", "asyncio"])
def timeout(request: pytest.FixtureRequest) -> Timeout:
    """Ours, and the one that it behaves as."""
    return ours() if request.param == "ours" else asyncio.timeout


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_takes_too_long_ends_with_an_error(timeout: Timeout) -> None:
    with pytest.raises(TimeoutError):
        async with timeout(0.01):
            await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_ends_in_time_is_left_alone(timeout: Timeout) -> None:
    async with timeout(0.05):
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)  # beyond the limit: the task is not cancelled behind its back


async def test_an_error_of_its_own_passes(timeout: Timeout) -> None:
    with pytest.raises(KeyError):
        async with timeout(10):
            raise KeyError


async def test_a_cancellation_from_outside_stays_one(timeout: Timeout) -> None:
    async def work() -> None:
        async with timeout(10):
            await forever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_the_end_of_the_time_stays_one(timeout: Timeout) -> None:
    async def work() -> None:
        async with timeout(0.01):
            await forever()

    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_later(0.01, task.cancel)
    with pytest.raises((asyncio.CancelledError, TimeoutError)) as raised:
        await task
    assert task.cancelled() == (raised.type is asyncio.CancelledError)


async def test_who_swallows_the_cancellation_goes_on_without_an_error(timeout: Timeout) -> None:
    async with timeout(0.01):
        with suppress(asyncio.CancelledError):
            await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_the_inner_of_two_ends_what_is_inside(timeout: Timeout) -> None:
    async with timeout(10):
        with pytest.raises(TimeoutError):
            async with timeout(0.01):
                await forever()


async def test_the_outer_of_two_ends_everything(timeout: Timeout) -> None:
    with pytest.raises(TimeoutError):
        async with timeout(0.01), timeout(10):
            await forever()


async def test_who_began_earlier_ends_earlier_and_the_others_are_not_forgotten() -> None:
    limits, ended = Limits(), list[int]()

    async def work(number: int) -> None:
        try:
            with limits.limit(0.05):
                await forever()
        except TimeoutError:
            ended.append(number)

    async def end_early() -> None:
        with limits.limit(0.05):
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(end_early())]  # the first of the line, whose timer it is
    for number in range(20):
        tasks.append(asyncio.create_task(work(number)))
        await asyncio.sleep(0.003)
    await asyncio.wait(tasks, timeout=5)

    assert ended == list(range(20))


async def test_thousands_share_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, limits, made = asyncio.get_running_loop(), Limits(), list[float]()
    call_at = loop.call_at

    def counted(when: float, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        made.append(when)
        return call_at(when, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_at", counted)

    async def work() -> None:
        with limits.limit(30):
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(2000)))
    assert len(made) == 1
