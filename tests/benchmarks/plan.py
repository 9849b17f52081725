"""How much is measured, in which order, and whom to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from benchmarks.contestants import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.contestants import Contestant

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The size of the measurements."""

    rounds: int = 3
    long: bool = False
    """Measure also what takes long."""
    alone: bool = False
    """Leave everybody out but ours."""
    peers: Path | None = None
    """The Python of the peers' environment; without it they are left out."""
    say: Callable[[str], None] = lambda _: None
    """Told of every run."""

    def present(self, *contestants: Contestant) -> list[Contestant]:
        """Those that take part."""
        return [
            contestant
            for contestant in contestants
            if contestant is OURS
            or (not self.alone and (self.peers is not None or not contestant.is_peer))
        ]

    @property
    def long_rounds(self) -> int:
        """Rounds of what takes minutes."""
        return self.rounds if self.long else 1

    def turns(self, items: Sequence[Item], *, rounds: int | None = None) -> Iterator[Item]:
        """Everybody in each round, there and back: nobody always follows the same neighbour."""
        for number in range(self.rounds if rounds is None else rounds):
            yield from items if number % 2 == 0 else reversed(items)
