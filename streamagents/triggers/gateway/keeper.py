"""`Keeper`: from a record to the broker's acknowledgement, once, however often it is asked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.errors import StreamAgentsError

if TYPE_CHECKING:
    from streamagents.ports import Bus, Outgoing, Position

Identity = tuple[str, bytes, str, str, bytes]
"""Topic, key, source and id, which make two records the same event, and a digest of its bytes: who
sends others under one id has made a mistake, and the worker says so."""

_MOST_KEPT = 10_000
_KEPT_S = 120.0
"""Longer than a client waits before it tries again, and short enough that a topic which was deleted
meanwhile is an operator's own doing."""


class NotKeptError(StreamAgentsError):
    """Raised when nobody knows that a record was kept; it may yet be."""


@dataclass(eq=False, slots=True)
class _Pending:
    task: asyncio.Task[Position]
    waiting: int = 0
    comes_again: bool = False


class Keeper:
    """Writes records and waits for so long; a retry joins what is still under way.

    With the broker away, what the driver has taken cannot be taken back, and is written when the
    broker returns. Its sender got a 503, and sends it again: that waits for the same
    acknowledgement, or finds that it came meanwhile. What is under way is bounded.
    """

    def __init__(self, bus: Bus, *, wait_s: float, most: int) -> None:
        self._bus = bus
        self._wait_s = wait_s
        self._most = most
        self._pending: dict[Identity, _Pending] = {}
        self._kept: OrderedDict[Identity, float] = OrderedDict()
        """Acknowledged, and may come again; until when to remember it."""

    @property
    def pending(self) -> int:
        """How many records are under way."""
        return len(self._pending)

    async def keep(
        self, record: Outgoing, identity: Identity, *, comes_again: bool = False
    ) -> None:
        """Return when the broker has it.

        Args:
            record: what is to be written.
            identity: which event it is.
            comes_again: who sent it may ask once more, although the answer is on its way.

        Raises:
            NotKeptError: not acknowledged in time, or there is no room for it.
            StreamAgentsError: as the bus says.
        """
        if self._kept.get(identity, 0.0) > asyncio.get_running_loop().time():
            return
        pending = self._pending.get(identity) or self._begin(record, identity)
        pending.waiting += 1
        pending.comes_again |= comes_again
        try:
            done, _ = await asyncio.wait([pending.task], timeout=self._wait_s)
        finally:
            pending.waiting -= 1
        if not done:
            raise NotKeptError(f"Kafka did not acknowledge it within {self._wait_s:g} s.")
        pending.task.result()

    def remember(self, identity: Identity) -> None:
        """It is kept, and who sent it may not know: it comes again."""
        self._kept[identity] = asyncio.get_running_loop().time() + _KEPT_S
        self._kept.move_to_end(identity)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def close(self) -> None:
        """Give up what is still under way."""
        tasks = [pending.task for pending in self._pending.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, record: Outgoing, identity: Identity) -> _Pending:
        if len(self._pending) >= self._most:
            raise NotKeptError("Too many events wait for Kafka.")
        task = asyncio.create_task(self._bus.send(record))
        pending = self._pending[identity] = _Pending(task)
        task.add_done_callback(lambda _: self._ended(identity, pending))
        return pending

    def _ended(self, identity: Identity, pending: _Pending) -> None:
        del self._pending[identity]
        if pending.task.cancelled() or pending.task.exception() is not None:
            return
        # At once: those who wait turn only later, and a retry may come before them.
        if pending.comes_again or not pending.waiting:
            self.remember(identity)
