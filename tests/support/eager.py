"""Coroutines run as the runtime runs agents: the first step at once, the rest in a task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamagents.runtime.begun import first_step
from streamagents.runtime.eager import EagerTasks

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from streamagents.runtime.begun import Begun


class Eager:
    """Begins with coroutines; `ended` has what became of them, in order."""

    def __init__(self) -> None:
        self.tasks = EagerTasks()
        self.begun: list[asyncio.Task[None]] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None] | None:
        """Take the first step now. Returns the task of the rest; None if there is none."""

        underway = self.tasks.begin(_first, work)
        if underway is None:
            return None
        task = underway.go_on(_all_of(underway.rest))
        self.begun.append(task)
        return task

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Take the first step of something that has to wait."""
        task = self.run(work)
        assert task is not None
        return task

    async def warm_up(self) -> None:
        """Let the spare task take its own first step: it waits for work from then on."""

        async def nothing() -> None:
            return

        assert self.run(nothing()) is None
        await asyncio.sleep(0)

    async def end(self) -> None:
        """Let go of everything."""
        self.tasks.close()
        for task in self.begun:
            task.cancel()
        if self.begun:
            await asyncio.wait(self.begun, timeout=5)


def _first(work: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, object] | None:
    begun = first_step(work)
    if begun is None or begun.ended:
        return None if begun is None else begun.result()
    return _rest(begun)


async def _rest(begun: Begun) -> None:
    await begun.rest()


async def _all_of(rest: Coroutine[Any, Any, object]) -> None:
    await rest
