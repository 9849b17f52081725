"""The port `Till`: the wallets of the state partitions that a worker owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamagents.llm.limits.wallet import Place, Wallet


class Till(Protocol):
    """Keeps wallets where a crash, a rebalance and another worker find them."""

    def wallets(self, count: int | None) -> Mapping[Place, Wallet]:
        """Of the state partitions that this worker owns, of a table with so many; None: of all."""

    async def keep(self, places: Collection[Place]) -> None:
        """Write these wallets as they are now; durable when this returns.

        Raises:
            ModelBusyError: one of them is not ours any more, or cannot be written.
        """

    def note(self, places: Collection[Place]) -> None:
        """Write these wallets soon; a crash may come first."""
