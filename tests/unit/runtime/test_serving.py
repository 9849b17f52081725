"""How the processes beside the workers end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from streamagents.errors import QueueError
from streamagents.runtime.serving import together, until_stopped


class Work:
    """Ends when it is asked to, unless it is deaf."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.asked = asyncio.Event()
        self.outcome = ""
        self._deaf = deaf

    def stop(self) -> bool:
        self.asked.set()
        return True

    async def run(self, signals: int = 1) -> None:
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0)
        try:
            await self.asked.wait()
            if self._deaf:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.outcome = "cancelled"
            raise
        self.outcome = "ended"


async def test_a_signal_lets_it_end_by_itself() -> None:
    work = Work()

    await asyncio.wait_for(until_stopped(work.run(), work.stop, grace_s=30), 10)

    assert work.outcome == "ended"


async def test_what_does_not_end_within_the_grace_is_cancelled() -> None:
    work = Work(deaf=True)

    await asyncio.wait_for(until_stopped(work.run(), work.stop, grace_s=0.05), 10)

    assert work.outcome == "cancelled"


async def test_a_second_signal_cancels_at_once() -> None:
    work = Work(deaf=True)

    await asyncio.wait_for(until_stopped(work.run(signals=2), work.stop, grace_s=30), 10)

    assert work.outcome == "cancelled"


async def test_what_cannot_end_by_itself_is_cancelled() -> None:
    work = Work()

    await asyncio.wait_for(until_stopped(work.run()), 10)
    assert work.outcome == "cancelled"
    await asyncio.wait_for(until_stopped(work.run(), lambda: False, grace_s=30), 10)
    assert work.outcome == "cancelled"


async def test_the_first_that_fails_ends_all_with_its_error() -> None:
    other = Work(deaf=True)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise QueueError("The password is wrong.", lasting=True)

    async def waits() -> None:
        other.asked.set()
        await other.run(signals=0)

    with pytest.raises(QueueError, match="password is wrong"):
        await asyncio.wait_for(until_stopped(together([waits(), fails()])), 10)
    assert other.outcome == "cancelled"
