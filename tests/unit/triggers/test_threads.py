"""A thread's work is never left behind by whoever waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from streamagents.triggers.threads import in_thread
from support import wait_until_async


async def test_what_is_done_is_returned_and_what_is_raised_is_raised() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)


async def test_who_is_cancelled_ends_when_the_thread_has_ended() -> None:
    began, may_end = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(10)
        raise ValueError("nobody asks")

    waiting = asyncio.create_task(in_thread(work))
    await wait_until_async(began.is_set)
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()

    await asyncio.wait([waiting], timeout=10)
    assert waiting.cancelled()
