"""The ledger: what one partition delivered in one assignment, and how far it may be committed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ledger:
    """Offsets of one partition, from the seek that began the assignment to its end.

    Offsets are ordered as delivered and never expected to be contiguous: transactions, compaction
    and retention leave gaps.
    """

    def __init__(self, start: int) -> None:
        self.next = start
        """Where the next poll has to begin."""
        self.committed = start
        self._order: deque[int] = deque()
        self._finished: set[int] = set()

    def deliver(self, offsets: Iterable[int], end: int) -> None:
        """Take a poll's offsets; `end` is the position behind it, markers included."""
        self._order.extend(offsets)
        self.next = end

    def finish(self, offset: int) -> None:
        """An event's outcome is durable."""
        self._finished.add(offset)

    @property
    def position(self) -> int:
        """The commit position: the lowest unfinished offset, else the end of what was delivered."""
        order, finished = self._order, self._finished
        while order and order[0] in finished:
            finished.discard(order.popleft())
        return order[0] if order else self.next

    @property
    def unfinished(self) -> int:
        """Events delivered and not finished."""
        return len(self._order) - len(self._finished)

    @property
    def span(self) -> int:
        """Events delivered from the first unfinished one on, finished ones among them."""
        return len(self._order)
