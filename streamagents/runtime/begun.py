"""Begun: a coroutine whose first step is taken here and now, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from streamagents.runtime.attempt import Attempt


class Steps(Protocol):
    """What can be taken step by step: a coroutine, as far as it is needed here."""

    def send(self, answer: Any, /) -> Any:
        """Go on with an answer; what it waits for next."""

    def throw(self, error: BaseException, /) -> Any:
        """Go on with an error; what it waits for next."""


class Begun:
    """A coroutine whose first step has run, and that has not ended in silence.

    Args:
        work: the coroutine.
        waits_for: what it waits for.
        ended: it waits for nothing any more.
        value: what it returned.
        error: what it raised.
    """

    __slots__ = ("_waits_for", "_work", "ended", "error", "value")

    def __init__(
        self,
        work: Steps,
        waits_for: Any = None,
        *,
        ended: bool = False,
        value: Any = None,
        error: BaseException | None = None,
    ) -> None:
        self._work, self._waits_for = work, waits_for
        self.ended, self.value, self.error = ended, value, error

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
        work, waits_for = self._work, self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                    waits_for = work.throw(exc)
                else:
                    waits_for = work.send(answer)
        except StopIteration as stop:
            return stop.value


def first_step(work: Steps) -> Begun | None:
    """Take the first step of a coroutine; None if it has returned, and returned nothing."""
    try:
        return Begun(work, work.send(None))
    except StopIteration as stop:
        return None if stop.value is None else Begun(work, ended=True, value=stop.value)
    except BaseException as exc:  # noqa: BLE001 - whoever asks for the result gets it
        return Begun(work, ended=True, error=exc)


@dataclass(slots=True)
class Start:
    """How an attempt began that was not over at once."""

    attempt: Attempt
    at: float
    """By the monotonic clock, in seconds."""
    begun: Begun
    """Its first step."""
    task: asyncio.Task[Any]
    """In which it began, and goes on. Asking anew costs a system call each time (Python 3.11)."""
