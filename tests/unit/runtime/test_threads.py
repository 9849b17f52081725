"""Plain functions awaited from the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from typing import NoReturn

import pytest

from streamagents.runtime.threads import call_in_thread
from support.records import turns


async def test_what_the_function_returns_is_awaited() -> None:
    assert await call_in_thread(divmod, 17, 5) == (3, 2)


async def test_it_runs_beside_the_loop_in_a_thread_that_holds_up_no_stop() -> None:
    thread = await call_in_thread(threading.current_thread)

    assert thread is not threading.current_thread()
    assert (thread.daemon, thread.name) == (True, "streamagents-agent")


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_what_the_function_raises_is_raised(error: BaseException) -> None:
    def fail() -> NoReturn:
        raise error

    with pytest.raises(type(error)):
        await call_in_thread(fail)


async def test_a_stop_iteration_is_told_as_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await call_in_thread(next, iter(()))


async def test_sys_exit_in_a_thread_ends_nothing_but_the_call() -> None:
    with pytest.raises(SystemExit):
        await call_in_thread(sys.exit, 1)

    assert await call_in_thread(len, "still here") == 10


async def test_context_variables_reach_the_thread_and_do_not_leak_back() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")
    name.set("ada")

    def change() -> str:
        before = name.get()
        name.set("bob")
        return before

    assert await call_in_thread(change) == "ada"
    assert name.get() == "ada"


async def test_calls_run_at_once() -> None:
    barrier = threading.Barrier(5)

    await asyncio.wait_for(asyncio.gather(*(call_in_thread(barrier.wait, 5) for _ in range(5))), 10)


async def test_a_result_that_nobody_waits_for_any_more_is_dropped() -> None:
    go = threading.Event()
    future = call_in_thread(go.wait, 5)
    future.cancel()
    go.set()
    await turns()

    assert future.cancelled()


def test_a_thread_that_outlives_its_loop_ends_in_silence() -> None:
    go = threading.Event()

    async def leave() -> None:
        call_in_thread(go.wait, 5)

    asyncio.run(leave())
    threads = [t for t in threading.enumerate() if t.name == "streamagents-agent"]
    go.set()
    for thread in threads:
        thread.join(5)

    assert not any(thread.is_alive() for thread in threads)
