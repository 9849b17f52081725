"""`MemoryTill`: wallets that outlive a worker, for as long as the test runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ModelBusyError
from streamagents.llm.limits.wallet import Place, Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class MemoryTill:
    """The port `Till`, in memory.

    Args:
        places: the state partitions that the worker owns.
        durable: what is kept, by partition; a dict that several tills share is the group's state.
    """

    def __init__(self, places: Iterable[Place], durable: dict[Place, bytes] | None = None) -> None:
        self.durable: dict[Place, bytes] = {} if durable is None else durable
        self._wallets = {place: Wallet.decode(self.durable.get(place)) for place in places}

    def wallets(self, count: int | None) -> Mapping[Place, Wallet]:
        """The wallets of a table's partitions; None: of all tables."""
        return {
            place: wallet
            for place, wallet in self._wallets.items()
            if count is None or place[0] == count
        }

    async def keep(self, places: Collection[Place]) -> None:
        """Write these wallets."""
        if any(place not in self._wallets for place in places):
            raise ModelBusyError(1, "the partition was given back", code="budget")
        self.note(places)

    def note(self, places: Collection[Place]) -> None:
        """Write these wallets, if they are still ours."""
        for place in places:
            if place in self._wallets:
                self.durable[place] = self._wallets[place].encode()

    def lose(self, place: Place) -> None:
        """The partition is another worker's."""
        del self._wallets[place]

    def gain(self, place: Place) -> None:
        """The partition is ours, with what its last owner left."""
        self._wallets[place] = Wallet.decode(self.durable.get(place))
