"""Hearing: which events of the world have come in, and which are still to come."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from streamagents.devkit.demo.summary import Sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.devkit.demo.facts import Arrived
    from streamagents.devkit.demo.world import Ear


class Hearing:
    """Counts what came in by each ear.

    Args:
        ears: the ways in.
        homes: the topic of each of their types, as on the broker.
    """

    def __init__(self, ears: Sequence[Ear], homes: Mapping[str, str]) -> None:
        self._ears, self._homes = ears, homes
        self.heard: Counter[str] = Counter({ear.name: 0 for ear in ears})
        """By ear, how many events."""

    def take(self, fact: Arrived) -> Sent | None:
        """An event of ours that has come in, as one that was sent; None is somebody else's."""
        for ear in self._ears:
            if fact.source == ear.source and ear.id in {None, fact.id}:
                self.heard[ear.name] += 1
                return Sent(
                    name=f"{ear.name}-{self.heard[ear.name]}",
                    id=fact.id,
                    source=fact.source,
                    home=fact.topic,
                    position=fact.position,
                    content=fact.content,
                )
        return None

    @property
    def awaited(self) -> Counter[str]:
        """By topic, how many events are still to come."""
        counts: Counter[str] = Counter()
        for ear in self._ears:
            counts[self._homes[ear.type]] += max(0, ear.events - self.heard[ear.name])
        return counts

    @property
    def missing(self) -> list[str]:
        """The ears by which less has come than was to come."""
        return [ear.name for ear in self._ears if self.heard[ear.name] < ear.events]
