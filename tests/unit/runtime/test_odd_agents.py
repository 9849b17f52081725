"""Odd agents: however one fails, it is a failure like any other, and a release is no failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import Reject
from streamagents.pipeline.mark import Status
from support.bench import Bench
from support.records import Order, Receipt, Scripted, record, turns

if TYPE_CHECKING:
    from collections.abc import Generator

    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}')


class MuteError(Exception):
    def __str__(self) -> str:
        raise LookupError("no text")


@pytest.mark.parametrize(
    "error",
    [MuteError(), ValueError("half an emoji: \ud83d"), Reject(ValueError("no"))],  # type: ignore[arg-type] # what users do
    ids=["no text", "lone surrogate", "reason is an error"],
)
async def test_an_odd_error_is_a_failure_like_any_other(error: Exception) -> None:
    bench = Bench(Scripted(error))
    await bench.handle(SOURCE)

    assert len(bench.letters) == 1


async def test_an_agent_that_cancels_its_own_task_has_failed() -> None:
    async def give_up(order: Order, ctx: Context) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        raise ValueError("no")

    bench = Bench(Scripted(give_up))
    task = bench.start(SOURCE)
    await asyncio.wait([task])
    bench.writer.commit()

    assert not task.cancelled()
    assert len(bench.letters) == 1


async def test_an_agent_that_wraps_its_cancellation_is_given_back() -> None:
    async def wrap(order: Order, ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as exc:
            raise RuntimeError("the client was closed") from exc

    agent = Scripted(wrap)
    bench = Bench(agent, backoff_s=0)
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task], timeout=0.05)
    task.cancel()
    await asyncio.wait([task], timeout=0.05)
    mark = bench.mark(SOURCE)

    assert len(agent.calls) == 1  # nothing begins during a release
    assert mark is None or mark.status is Status.RELEASED


async def test_no_attempt_begins_once_a_release_has_begun() -> None:
    go = asyncio.Event()

    async def fail_later(order: Order, ctx: Context) -> None:
        await go.wait()
        raise ValueError("no")

    agent = Scripted(fail_later)
    bench = Bench(agent)
    task = bench.start(SOURCE)
    await turns()
    bench.handling.releasing = True
    go.set()
    await asyncio.wait([task], timeout=0.5)

    assert len(agent.calls) == 1


class Later:
    """What a decorated `async def run` returns, to whoever does not look inside."""

    def __await__(self) -> Generator[Any, None, Receipt]:
        yield from ()
        return Receipt(text="thanks")


class Decorated:
    def run(self, order: Order) -> Any:
        return Later()


async def test_a_decorated_coroutine_function_is_awaited() -> None:
    assert len(await Bench(Decorated()).run(SOURCE)) == 1


@pytest.mark.parametrize("waits", [True, False])
async def test_what_an_async_run_returns_to_be_awaited_is_awaited(waits: bool) -> None:  # noqa: FBT001 - a case
    class Passes:
        async def run(self, order: Order) -> Any:
            if waits:
                await asyncio.sleep(0)
            return self.work(order)

        async def work(self, order: Order) -> Receipt:
            await asyncio.sleep(0)
            return Receipt(text="thanks")

    bench = Bench(Passes(), attempts=1)
    await bench.handle(SOURCE)

    assert [out.topic for out in bench.records] == ["receipt"]
