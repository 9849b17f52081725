"""Eager tasks: a coroutine begins at once, and becomes a task only if it has to wait.

Most events of a busy stream need no waiting at all, and a task costs more than they do. Python 3.12
has eager tasks; this works on 3.11, too, and one spare task serves many coroutines.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from contextvars import Context, copy_context
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator


class Begun:
    """A coroutine whose first step has run.

    Args:
        work: the coroutine.
        context: where all its steps run; None is wherever they are called from.
    """

    __slots__ = ("_send", "_throw", "_waits_for", "ended", "error", "value")

    def __init__(self, work: Coroutine[Any, Any, Any], context: Context | None = None) -> None:
        self._send: Callable[..., Any] = work.send
        self._throw: Callable[..., Any] = work.throw
        if context is not None:
            self._send = lambda answer: context.run(work.send, answer)
            self._throw = lambda error: context.run(work.throw, error)
        self.value: Any = None
        """What it returned, once it has ended."""
        self.error: BaseException | None = None
        """What it raised, once it has ended."""
        self.ended = True
        try:
            self._waits_for = self._send(None)
            self.ended = False
        except StopIteration as stop:
            self.value = stop.value
        except BaseException as exc:  # noqa: BLE001 - whoever asks for the result gets it
            self.error = exc

    def result(self) -> Any:
        """What it returned, once it has ended.

        Raises:
            BaseException: whatever it raised.
        """
        if self.error is not None:
            raise self.error
        return self.value

    @coroutine
    def rest(self) -> Generator[Any, Any, Any]:
        """What is left of it, to be awaited in a task."""
        try:
            waits_for = self._waits_for
            while True:
                try:
                    answer = yield waits_for
                except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                    waits_for = self._throw(exc)
                else:
                    waits_for = self._send(answer)
        except StopIteration as stop:
            return stop.value


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
        self, first: Callable[[], Coroutine[Any, Any, None] | None]
    ) -> asyncio.Task[None] | None:
        """Run a function now. Returns the task that goes on with the rest; None if there is none.

        Raises:
            BaseException: what the function raised.
        """
        spare = self._spare
        if spare is None or spare.done():
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
            rest = context.run(first)
        finally:
            _leave_task(loop, spare)
            if outer is not None:
                _enter_task(loop, outer)
            if rest is None:
                spare.give_back()
        if rest is None:
            return None
        self._spare = None
        spare.adopt(rest, context)
        return spare

    async def go_on(self, first: Callable[[], Coroutine[Any, Any, object] | None]) -> None:
        """Run a function, and its rest, in the task that runs now and in a context of its own."""
        context = self._base.copy()
        rest = context.run(first)
        if rest is not None:
            await _all_of(rest, context)

    def close(self) -> None:
        """Let go of the spare task."""
        if self._spare is not None:
            self._spare.cancel()
            self._spare = None


class _Spare(asyncio.Task[None]):
    """A task that waits for work that is under way.

    Cancelled before it goes on with that work, it counts, and is cancelled when it does: then the
    cancellation reaches what the work waits for, as in any task.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._adopted: asyncio.Future[None] = loop.create_future()
        self._rest: tuple[Coroutine[Any, Any, None], Context] | None = None
        self.lent = False
        """A function runs as if this ran it."""
        self._awake = False
        self._early = 0
        self._message: Any = None
        self.loop = loop
        super().__init__(self._work(), loop=loop)

    def adopt(self, rest: Coroutine[Any, Any, None], context: Context) -> None:
        """Go on with this, in the context that it began in."""
        self._rest = rest, context
        self._adopted.set_result(None)

    def give_back(self) -> None:
        """The function has ended, and what it was cancelled for."""
        self.lent, self._early = False, 0

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the work, as soon as this goes on with it; or this itself, if it has none."""
        if self._awake or not self.lent or self.done():
            return super().cancel(msg)
        self._early += 1
        self._message = msg
        return True

    def cancelling(self) -> int:
        """How often it was cancelled, less how often that was taken back."""
        return super().cancelling() + self._early

    def uncancel(self) -> int:
        """Take a cancellation back."""
        if self._early:
            self._early -= 1
            return self.cancelling()
        return super().uncancel()

    async def _work(self) -> None:
        await self._adopted
        assert self._rest is not None  # noqa: S101 - adopt() has set it
        self._awake = True
        early, self._early = self._early, 0
        for _ in range(early):
            super().cancel(self._message)  # arrives at the first wait
        await _all_of(*self._rest)


async def _all_of(work: Coroutine[Any, Any, Any], context: Context) -> None:
    begun = Begun(work, context)
    if begun.ended:
        begun.result()
    else:
        await begun.rest()
