"""Switch: the commit position is what Faust's stock consumer makes of what is finished.

It takes the first run of consecutive offsets that were acknowledged, and the event before them for
done if it is the only one that is missing. Its own code decides here, on its own books.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from faust.transport.consumer import Consumer, IntervalTree

from chaos.app import app
from streamagents.runtime import intake
from streamagents.runtime.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

_TP: Any = "this one"


class StockLedger(Ledger):
    """Our ledger, that of the stock consumer beside it, and the latter decides."""

    def __init__(self, start: int) -> None:
        self._acked: dict[Any, list[int]] = defaultdict(list)
        self._acked_index: dict[Any, set[int]] = defaultdict(set)
        self._gap: dict[Any, Any] = defaultdict(IntervalTree)
        self._stock = start
        super().__init__(start)

    @property
    def _committed_offset(self) -> dict[Any, int | None]:
        return {_TP: self.committed or None}  # stock takes a commit of 0 for none

    def deliver(self, offsets: Iterable[int], end: int) -> None:
        """Take note of the offsets that nobody will acknowledge: markers of transactions."""
        there, start = sorted(offsets), self.next
        for before, after in zip([start - 1, *there], [*there, end], strict=True):
            if after > before + 1:
                self._gap[_TP].addi(before + 1, after)
        super().deliver(there, end)

    def finish(self, offset: int) -> None:
        """Acknowledge."""
        super().finish(offset)
        if offset >= self.committed and offset not in self._acked_index[_TP]:
            self._acked_index[_TP].add(offset)
            self._acked[_TP].append(offset)

    @property
    def position(self) -> int:
        """What stock would commit now."""
        _ = super().position  # keeps the books that the back-pressure reads
        found: int | None = Consumer._new_offset(self, _TP)
        self._stock = max(self._stock, found or 0)
        return self._stock


intake.Ledger = StockLedger  # type: ignore[attr-defined]

__all__ = ["app"]
