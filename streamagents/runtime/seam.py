"""The seam between Faust's consumer and the engine: what is handed over, what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faust.types import TP

    from streamagents.ports import Record


@dataclass(frozen=True, slots=True)
class Poll:
    """What one fetch brought of one partition: its records, and the positions around them."""

    tp: TP
    records: Sequence[Record]
    start: int
    end: int
    seek: object
    """Which seek it follows; a poll of an older one is void."""


class Host(Protocol):
    """What the consumer asks the runtime: the narrow seam to the engine."""

    async def assign(self, partitions: set[TP]) -> None:
        """Take ownership and fence whoever had it. Recovery begins when this returns."""

    async def release(self) -> None:
        """Bring in flight to an end: afterwards no handler runs and no write is under way."""

    def drop(self) -> None:
        """Forget everything about the assignment."""

    def begin(self, starts: Mapping[TP, tuple[int, object]], applied: Mapping[TP, bool]) -> None:
        """Intake may begin: positions and stamps by source, recovery's verdict by changelog."""

    def wants(self, tp: TP) -> bool:
        """Whether a source partition may be fetched now."""

    def committable(self) -> dict[TP, int]:
        """By source partition: up to where everything is finished, where that moved."""

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """These offsets were committed."""

    def truncated(self, tp: TP, committed: int, beginning: int) -> None:
        """Records were deleted before they were read."""
