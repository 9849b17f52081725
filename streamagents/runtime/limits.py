"""Limits: how long attempts may take, thousands of them at once on one timer.

`asyncio.timeout` makes a timer for each and cancels it again: 7 us in place of 2.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Limits:
    """Time limits of the tasks of one event loop."""

    def __init__(self) -> None:
        self._lines: dict[float, _Line] = {}

    def limit(self, seconds: float, who: str = "") -> Limit:
        """A limit, to be entered with `with` in the task that it holds for; whose it is."""
        line = self._lines.get(seconds)
        if line is None:
            line = self._lines[seconds] = _Line(seconds)
        return Limit(line, who)

    def overdue(self) -> list[tuple[str, float]]:
        """What goes on although its time is up: whose it is, and for how many seconds."""
        return [
            (limit.who, line.loop.time() - limit.deadline)
            for line in self._lines.values()
            for limit in line.overdue
        ]


class Limit:
    """As `asyncio.Timeout`: when its time is up, its task is cancelled, which becomes an error.

    Raises:
        TimeoutError: on leaving, if what ran inside ended because its time was up.
    """

    __slots__ = ("_cancels", "_line", "_task", "deadline", "expired", "who")

    def __init__(self, line: _Line, who: str) -> None:
        self._line = line
        self.who = who
        self.deadline = 0.0
        """By the loop's clock, in seconds."""
        self.expired = False
        """Whether its time was up before it was left."""

    def __enter__(self) -> Self:
        line = self._line
        loop = line.loop
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a limit holds for a task
        self._task, self._cancels = task, task.cancelling()
        line.join(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self._line.leave(self)
        if not self.expired:
            return
        if self._task.uncancel() <= self._cancels and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Its time is up."""
        self.expired = True
        self._task.cancel()


class _Line:
    """Limits of the same length: they expire in the order in which they were entered."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.loop = asyncio.get_running_loop()
        self._limits: dict[Limit, None] = {}
        self.overdue: dict[Limit, None] = {}
        """Those that have expired and were not left yet."""
        self._timer: asyncio.TimerHandle | None = None

    def join(self, limit: Limit) -> None:
        limit.deadline = self.loop.time() + self._seconds
        self._limits[limit] = None
        if self._timer is None:
            self._timer = self.loop.call_at(limit.deadline, self._look)

    def leave(self, limit: Limit) -> None:
        if limit.expired:
            del self.overdue[limit]  # it is out of the line
        else:
            self._limits.pop(limit, None)

    def _look(self) -> None:
        """The time of the first was up, if it is still here."""
        self._timer = None
        now = self.loop.time()
        expired = []
        for limit in self._limits:
            if limit.deadline > now:
                self._timer = self.loop.call_at(limit.deadline, self._look)
                break
            expired.append(limit)
        for limit in expired:
            del self._limits[limit]
            self.overdue[limit] = None
            limit.expire()
