"""Ctrl-C and SIGTERM: the first asks, the second ends at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from streamagents.devkit.foreground import StopAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType, TracebackType

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"
_ENDED_BY = 128
"""Added to a signal's number in an exit code, as shells have it."""


class Stopping:
    """Turns the first stop signal into StopAsked, at a moment that suits, and obeys the second.

    Outside of the event loop the first one is raised where it meets the main thread. In the loop
    it waits for `unless_asked` or `asked`. After `no_more` it changes nothing: the end is near.

    Must be entered in the main thread, where Python handles signals.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        """The first signal that came."""
        self.at_once: list[Callable[[], None]] = []
        """What the second signal still does before it ends the process."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """What a process that a signal ended tells its shell."""
        return _ENDED_BY + (self.signal or 0)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run the event loop. Until it ends, the first signal raises nothing.

        Raises:
            StopAsked: the first signal came in `unless_asked`.
        """
        return asyncio.run(self._in_loop(main))

    def no_more(self) -> None:
        """Stop listening to the first signal: what is left to do is to end."""
        self._patient = True

    async def asked(self) -> None:
        """Wait for the first signal."""
        await self._event.wait()

    async def unless_asked(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work; at the first signal cancel it, and wait for its end.

        Raises:
            StopAsked: the signal came.
        """
        task, asked = asyncio.ensure_future(work), asyncio.ensure_future(self.asked())
        try:
            await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise StopAsked
            return task.result()
        finally:
            asked.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait([task])  # bounded by the work's own clean-up

    def end_at_once(self, code: int) -> NoReturn:
        """End the process, whatever still runs in it."""
        for last in self.at_once:
            last()
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), _SHOW_CURSOR.encode())  # a live view has hidden it
        sys.stdout.flush()
        os._exit(code)

    async def _in_loop(self, main: Coroutine[Any, Any, T]) -> T:
        self._loop = asyncio.get_running_loop()
        if self.signal is not None:
            self._event.set()
        try:
            return await main
        finally:
            self._patient, self._loop = True, None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self.end_at_once(_ENDED_BY + number)
        self.signal = number
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._event.set)
        elif not self._patient:
            raise StopAsked
