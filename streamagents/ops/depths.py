"""Depths: how many dead letters a topic has that somebody has to look at, and since when. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from streamagents.pipeline.identity import read_position
from streamagents.pipeline.replay import LetterState
from streamagents.ports import Position

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Record


class Depths:
    """Counts letters, and leaves out those that are closed. The two may come in any order.

    Args:
        sources: by the name of a topic's dead letters, the topic.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._open: defaultdict[str, dict[Position, int]] = defaultdict(dict)
        """By topic, each open letter and when it was written, in milliseconds."""
        self._closed: set[Position] = set()

    def letter(self, record: Record) -> None:
        """A letter lies there."""
        at = Position(record.topic, record.partition, record.offset)
        if at not in self._closed:
            self._open[record.topic][at] = record.timestamp

    def word(self, record: Record) -> None:
        """Somebody said what became of a letter."""
        at = read_position(record.key)
        if at is None:
            return
        state = LetterState.decode(record.value)
        if state is not None and state.stage.closed:
            self._closed.add(at)
            self._open[at.topic].pop(at, None)

    def found(self) -> dict[str, tuple[int, float]]:
        """By topic, how many and the oldest in seconds since the epoch, 0 where there is none."""
        return {
            topic: (len(there := self._open[name]), min(there.values(), default=0) / 1000)
            for name, topic in self._sources.items()
        }
