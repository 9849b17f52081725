"""Lanes: events of one key run in order, all keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

T = TypeVar("T")


class Lanes(Generic[T]):
    """A lane a key; a lane is a task while it has events.

    Args:
        handle: brings one event to its outcome; cancelled, it gives the event back.
        broken: called when `handle` raised, which is a defect of ours and never an agent's.
    """

    def __init__(
        self, handle: Callable[[T], Awaitable[None]], broken: Callable[[BaseException], None]
    ) -> None:
        self._handle, self._broken = handle, broken
        self._queues: dict[Hashable, deque[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def push(self, key: Hashable, event: T) -> None:
        """Put an event behind the others of its key."""
        if self._closed:
            return
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(event)
            return
        self._queues[key] = deque((event,))
        task = asyncio.get_running_loop().create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The lanes that have events."""
        return frozenset(self._tasks)

    def close(self) -> None:
        """Begin nothing more; what runs goes on. What waits will be delivered again."""
        self._closed = True
        for queue in self._queues.values():
            queue.clear()

    async def _run(self, key: Hashable) -> None:
        queue = self._queues[key]
        while queue:
            # Popped before it runs: close() must not take what is running out of the queue.
            await self._handle(queue.popleft())
        del self._queues[key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            error: BaseException | None = None if self._closed else asyncio.CancelledError()
        else:
            error = task.exception()
        if error is not None:
            self._broken(error)
