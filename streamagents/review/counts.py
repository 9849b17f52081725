"""Counts: letters by topic, agent and error, and how old they are. Of any number of letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from streamagents.review.letter import Letter


class Kind(NamedTuple):
    """What letters are counted by."""

    topic: str
    """The topic that they lie in."""
    agent: str
    error: str


@dataclass(slots=True)
class Tally:
    """How many letters there are of one kind."""

    open: int = 0
    under_way: int = 0
    """Sent again, and not settled yet."""
    parked: int = 0
    oldest_ms: int = 0
    newest_ms: int = 0

    @property
    def letters(self) -> int:
        """All of them."""
        return self.open + self.under_way + self.parked

    def add(self, letter: Letter) -> None:
        """Count one that is not closed."""
        stage = None if letter.state is None else letter.state.stage.value
        if stage is None:
            self.open += 1
        elif stage == "parked":
            self.parked += 1
        else:
            self.under_way += 1
        written = letter.written_ms
        self.oldest_ms = min(self.oldest_ms or written, written)
        self.newest_ms = max(self.newest_ms, written)


class Counts:
    """Counts letters by kind."""

    def __init__(self) -> None:
        self.by_kind: dict[Kind, Tally] = {}

    def add(self, letter: Letter) -> None:
        """Count one that is not closed."""
        kind = Kind(letter.at.topic, letter.fault.agent, letter.fault.code)
        tally = self.by_kind.get(kind)
        if tally is None:
            tally = self.by_kind[kind] = Tally()
        tally.add(letter)

    @property
    def letters(self) -> int:
        """All of them."""
        return sum(tally.letters for tally in self.by_kind.values())

    def rows(self) -> list[tuple[Kind, Tally]]:
        """The kinds, the most frequent first."""
        return sorted(self.by_kind.items(), key=lambda row: (-row[1].letters, row[0]))
