"""The till: the wallets of the state partitions that this worker owns."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.errors import ModelBusyError, describe
from streamagents.llm.limits.wallet import Place, Wallet
from streamagents.runtime.group import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping

    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

WALLET_KEY = b"w\0"
"""Where a state partition keeps its wallet."""
_AGAIN_S = 1.0

log = structlog.stdlib.get_logger("streamagents.runtime")


@dataclass(slots=True)
class _Drawer:
    """One partition's."""

    writer: Writer
    wallet: Wallet
    writes: set[asyncio.Task[None]] = field(default_factory=set)


class PartitionTill:
    """The port `Till` of one worker.

    Args:
        total: state partitions of the application, all tables together.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._drawers: dict[Place, _Drawer] = {}
        self.on_more: Callable[[], None] = lambda: None
        """Called when the worker has got a partition."""

    @property
    def share(self) -> float:
        """This worker's part of the group: 0 to 1."""
        return len(self._drawers) / self._total

    def open(self, place: Place, store: Store, writer: Writer) -> None:
        """A partition is ours, and its state is read.

        Raises:
            NewerFormatError: a newer version wrote its wallet.
        """
        self._drawers[place] = _Drawer(writer, Wallet.decode(store.get(WALLET_KEY)))
        self.on_more()

    def close(self, place: Place) -> None:
        """It is ours no longer; who waits for a write to it is told."""
        drawer = self._drawers.pop(place, None)
        if drawer is not None:
            for task in drawer.writes:
                task.cancel()

    def wallets(self, count: int | None) -> Mapping[Place, Wallet]:
        """Of our partitions of a table with so many; None: of all tables."""
        return {
            place: drawer.wallet
            for place, drawer in self._drawers.items()
            if count is None or place[0] == count
        }

    async def keep(self, places: Collection[Place]) -> None:
        """Write these wallets as they are now; durable when this returns.

        Raises:
            ModelBusyError: one of them is not ours any more, or cannot be written.
        """
        if any(place not in self._drawers for place in places):
            raise _gone("the partition was given back")
        writes = [self._begin(self._drawers[place]) for place in places]
        try:
            results = await asyncio.gather(*writes, return_exceptions=True)
        except asyncio.CancelledError:
            for task in writes:
                task.cancel()
            raise
        for result in results:
            if result is not None:
                raise _gone(describe(result))

    def note(self, places: Collection[Place]) -> None:
        """Write these wallets soon, if they are still ours; a crash may come first."""
        for place in places:
            drawer = self._drawers.get(place)
            if drawer is not None:
                drawer.writer.add(Group(writes=_bytes_of(drawer.wallet)))

    def _begin(self, drawer: _Drawer) -> asyncio.Task[None]:
        work: Coroutine[Any, Any, None] = drawer.writer.write(_bytes_of(drawer.wallet))
        task = asyncio.get_running_loop().create_task(work)
        drawer.writes.add(task)
        task.add_done_callback(drawer.writes.discard)
        return task


def _bytes_of(wallet: Wallet) -> dict[bytes, bytes | None]:
    return {WALLET_KEY: wallet.encode()}


def _gone(reason: str) -> ModelBusyError:
    return ModelBusyError(
        _AGAIN_S, f"the budget of a state partition could not be kept: {reason}", code="budget"
    )
