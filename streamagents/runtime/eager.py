"""Eager tasks: a coroutine begins at once, and becomes a task only if it has to wait.

Most events of a busy stream need no waiting at all, and a task costs more than they do. Python 3.12
has eager tasks; this works on 3.11, too, and one spare task serves many coroutines.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from streamagents.runtime.begun import first_step

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streamagents.runtime.begun import Steps

T = TypeVar("T")


class _In:
    """The steps of a coroutine, all in one context."""

    def __init__(self, work: Steps, context: Context) -> None:
        self._work, self._context = work, context

    def send(self, answer: Any) -> Any:
        return self._context.run(self._work.send, answer)

    def throw(self, error: BaseException) -> Any:
        return self._context.run(self._work.throw, error)


class EagerTasks:
    """Runs functions that may turn out to be the beginning of something longer.

    A function runs as if the spare task ran it (`asyncio.current_task()`), for time limits and task
    groups hold on to the task that they were entered in. What it returns, the rest of the work, is
    what the spare task goes on with; the next function gets another.

    Every function runs in a copy of the context in which this was made: what one sets, no other
    finds, and whoever happens to call `begin` passes nothing on.
    """

    def __init__(self) -> None:
        self._base = copy_context()
        self._spare: _Spare | None = None

    def begin(
        self, first: Callable[[T], Coroutine[Any, Any, object] | None], event: T
    ) -> Underway | None:
        """Run a function now. Returns what is under way in a task; None if nothing is left to do.

        Raises:
            BaseException: what the function raised.
        """
        spare = self._spare
        if spare is None or spare.spent:
            spare = self._spare = _Spare(asyncio.get_running_loop())
        loop = spare.loop
        outer = asyncio.current_task(loop)
        if outer is not None:
            _leave_task(loop, outer)
        _enter_task(loop, spare)
        spare.lent = True
        context = self._base.copy()
        rest = None
        try:
            rest = context.run(first, event)
        finally:
            _leave_task(loop, spare)
            if outer is not None:
                _enter_task(loop, outer)
            if rest is None:
                spare.lent, spare.early = False, 0  # whatever it was cancelled for has ended
        if rest is None:
            return None
        self._spare = None
        return Underway(spare, rest, context)

    async def go_on(
        self, first: Callable[[T], Coroutine[Any, Any, object] | None], event: T
    ) -> object:
        """Run a function, and its rest, in the task that runs now and in a context of its own.

        Returns:
            What the rest returned; None if there was none.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        context, cancels = self._base.copy(), task.cancelling()
        rest = context.run(first, event)
        if rest is not None:
            return await _all_of(rest, context)
        if was_cancelled(task, cancels):
            await forget_cancels(task, cancels)
        return None

    def close(self) -> None:
        """Let go of the spare task."""
        if self._spare is not None:
            self._spare.cancel()
            self._spare = None


class Underway:
    """What has begun as if a task ran it, and the task that goes on with it."""

    __slots__ = ("_context", "_spare", "rest")

    def __init__(self, spare: _Spare, rest: Coroutine[Any, Any, object], context: Context) -> None:
        self._spare, self.rest, self._context = spare, rest, context

    def go_on(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let the task go on with this, which awaits the rest; the task."""
        self._spare.adopt(work, self._context)
        return self._spare


class _Spare(asyncio.Task[None]):
    """A task that waits for work that is under way.

    Cancelled before it goes on with that work, it counts, and is cancelled when it does: then the
    cancellation reaches what the work waits for, as in any task.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._adopted: asyncio.Future[None] | None = None
        self._rest: tuple[Coroutine[Any, Any, None], Context] | None = None
        self.lent = False
        """A function runs, or has begun, as if this ran it."""
        self.spent = False
        """It was cancelled while nobody needed it: it ends, though not at once."""
        self._awake = False
        self.early = 0
        """How often it was cancelled while it was lent."""
        self._message: Any = None
        self.loop = loop
        super().__init__(self._work(), loop=loop)

    def adopt(self, rest: Coroutine[Any, Any, None], context: Context) -> None:
        """Go on with this, in the context that it began in."""
        self._rest = rest, context
        if self._adopted is not None:
            self._adopted.set_result(None)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the work, as soon as this goes on with it; or this itself, if it has none."""
        if self._awake or self.done():
            return super().cancel(msg)
        if not self.lent:
            self.spent = True
            return super().cancel(msg)
        self.early += 1
        self._message = msg
        return True

    def cancelling(self) -> int:
        """How often it was cancelled, less how often that was taken back."""
        return super().cancelling() + self.early

    def uncancel(self) -> int:
        """Take a cancellation back."""
        if self.early:
            self.early -= 1
            return self.cancelling()
        return super().uncancel()

    async def _work(self) -> None:
        if self._rest is None:  # in a burst it is there before this takes its first step
            self._adopted = self.loop.create_future()
            await self._adopted
        assert self._rest is not None  # noqa: S101 - adopt() has set it
        self._awake = True
        early, self.early = self.early, 0
        for _ in range(early):
            super().cancel(self._message)  # arrives at the first wait
        await _all_of(*self._rest)


async def _all_of(work: Steps, context: Context) -> Any:
    begun = first_step(_In(work, context))
    if begun is None:
        return None
    return begun.result() if begun.ended else await begun.rest()


def was_cancelled(task: asyncio.Task[Any], cancels: int = 0) -> bool:
    """Whether a task was cancelled more often than this, or is about to learn of it.

    Before Python 3.13 a cancellation that is taken back within one step arrives all the same.
    """
    arrives: bool = task._must_cancel  # type: ignore[attr-defined] # noqa: SLF001 - nobody else knows
    return arrives or task.cancelling() > cancels


async def forget_cancels(task: asyncio.Task[Any], cancels: int = 0) -> None:
    """Take back what somebody cancelled his own task for, down to this many; it goes on."""
    while was_cancelled(task, cancels):
        if task.cancelling() > cancels:
            task.uncancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # where a cancellation that is under way arrives
