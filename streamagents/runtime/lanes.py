"""Lanes: events of one key run in order, all keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from streamagents.runtime.eager import EagerTasks

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")
E = TypeVar("E")


Rest: TypeAlias = Coroutine[Any, Any, object]
"""What is left to be done for an event that has to wait for something."""


class Lanes(Generic[T]):
    """A lane a key; a lane is a task while its event has to wait for something.

    Args:
        begin: begins with an event; returns what is left to be done, if anything is. Cancelled,
            that gives the event back.
        broken: called when either raised, which is a defect of ours and never an agent's.
    """

    def __init__(
        self, begin: Callable[[T], Rest | None], broken: Callable[[BaseException], None]
    ) -> None:
        self._begin, self._broken = begin, broken
        self._queues: dict[Hashable, deque[T]] = {}
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._eager = EagerTasks()
        self._closed = False

    def push(self, key: Hashable, event: T) -> None:
        """Put an event behind the others of its key; the first of a key begins at once."""
        if self._closed:
            return
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(event)
            return
        try:
            underway = self._eager.begin(self._begin, event)
            if underway is not None:
                self._queues[key] = deque()
                self._tasks[key] = underway.go_on(self._go_on(key, underway.rest))
        except BaseException as exc:  # noqa: BLE001 - the partition is given up for it
            self._broken(exc)

    async def go_on(self, begin: Callable[[E], Rest | None], event: E) -> object:
        """Begin with something else in the lane that runs now; what its rest returned."""
        return await self._eager.go_on(begin, event)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The lanes whose event waits for something."""
        return frozenset(self._tasks.values())

    def close(self) -> None:
        """Begin nothing more; what runs goes on. What waits will be delivered again."""
        self._closed = True
        self._eager.close()
        for queue in self._queues.values():
            queue.clear()

    async def _go_on(self, key: Hashable, rest: Rest) -> None:
        queue = self._queues[key]
        try:
            await rest
            while queue:
                # Popped before it runs: close() must not take what is running out of the queue.
                await self._eager.go_on(self._begin, queue.popleft())
            del self._queues[key]
        except asyncio.CancelledError as exc:
            if not self._closed:
                self._broken(exc)
        except BaseException as exc:  # noqa: BLE001 - the partition is given up for it
            self._broken(exc)
        finally:
            del self._tasks[key]
