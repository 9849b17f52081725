"""The count of dead letters: how many lie there, and since when. The leader counts for all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from streamagents.bus import TopicReader
from streamagents.errors import StreamAgentsError, describe
from streamagents.ops.depths import Depths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = structlog.stdlib.get_logger("streamagents.runtime")

_EVERY_S = 10.0
_ANEW = 360
"""Looks until all is read again, which is an hour: what expired or was deleted is found then."""


class LetterCount:
    """Counts while its worker leads, for as long as it runs.

    Args:
        bootstrap: the brokers.
        sources: by the name of a topic's dead letters, the topic.
        leads: whether this worker is to count.
        words: the topic that says what became of letters.
    """

    def __init__(
        self, bootstrap: str, sources: Mapping[str, str], leads: Callable[[], bool], words: str
    ) -> None:
        self._words = words
        self._bootstrap, self._sources, self._leads = bootstrap, sources, leads
        self.found: Mapping[str, tuple[int, float]] | None = None
        """By topic, how many are open and when the oldest was written, in seconds since the
        epoch, 0 where there is none; None where another worker counts."""

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                if self._leads():
                    await self._count()
            except StreamAgentsError as exc:  # a broker that is away, a topic that is gone
                log.debug("letters_not_counted", error=describe(exc))
            except Exception as exc:  # noqa: BLE001 - a driver's defect must not end the counting
                log.warning("letters_not_counted", error=describe(exc))
            self.found = None
            await asyncio.sleep(_EVERY_S)

    async def _count(self) -> None:
        """Read everything, then what comes, until it is time to read everything again."""
        depths = Depths(self._sources)
        async with TopicReader(self._bootstrap, [self._words, *self._sources]) as reader:
            for _ in range(_ANEW):
                async for record in reader.to_end():
                    take = depths.word if record.topic == self._words else depths.letter
                    take(record)
                self.found = depths.found()
                await asyncio.sleep(_EVERY_S)
                if not self._leads():
                    return
