"""Freeing: what was paid for letters that a person has purged is thrown away by who owns it.

Purging has no hand in the state, which has one writer: it leaves a word in the topic of letters,
and each worker looks there. A worker that was away too long leaves it to the sweep.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import structlog

from streamagents.bus import TopicReader
from streamagents.errors import StreamAgentsError, describe
from streamagents.pipeline.identity import read_seen_key
from streamagents.pipeline.replay import LetterState, Stage

if TYPE_CHECKING:
    from streamagents.ports import Record

log = structlog.stdlib.get_logger("streamagents.runtime")

_EVERY_S = 10.0
_BREATH = 200
"""Words that are looked at in one go, a few milliseconds: the event loop has more to do."""


class Owner(Protocol):
    """Who holds the state."""

    @property
    def assignments(self) -> int:
        """How often it has begun; 0 before the first time."""

    def purged(self, topic: str, key: bytes, replay: int) -> int:
        """A letter of a topic's event was purged: its steps go, if they are here. How many."""


class Wishes:
    """What was asked of a group, as far as nobody has taken it back.

    Args:
        group: the consumer group.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._open: dict[bytes, tuple[bytes, int]] = {}
        """By letter, the state key of its event's mark, and which replay has written it."""

    def take(self, record: Record) -> None:
        """Take one word; a letter's last one counts."""
        key, value = record.key or b"", record.value
        self._open.pop(key, None)
        if value is None or b'"frees"' not in value:
            return
        state = LetterState.decode(value)
        if state is None or state.stage is not Stage.PURGED or state.frees is None:
            return
        if state.frees.group == self._group:
            self._open[key] = (state.frees.mark, state.replay)

    def __bool__(self) -> bool:
        return bool(self._open)

    def grant(self, owner: Owner) -> int:
        """Let the owner throw away what it holds, for some of the letters; how many steps went."""
        steps = 0
        for key in list(islice(self._open, _BREATH)):
            mark, replay = self._open.pop(key)
            seen = read_seen_key(mark)
            if seen is not None:
                steps += owner.purged(seen.topic, mark, replay)
        return steps


class Freeing:
    """Follows the topic of letters.

    Args:
        bootstrap: the brokers.
        words: the topic that says what became of letters.
        owner: holds the state.
        group: the consumer group.
    """

    def __init__(self, bootstrap: str, words: str, owner: Owner, group: str) -> None:
        self._bootstrap, self._words = bootstrap, words
        self._owner, self._group = owner, group
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow from here on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                if self._owner.assignments:
                    await self._follow()
            except StreamAgentsError as exc:  # a broker that is away, a topic that is gone
                log.debug("purges_not_read", error=describe(exc))
            except Exception as exc:  # noqa: BLE001 - a driver's defect must not end the following
                log.warning("purges_not_read", error=describe(exc))
            await asyncio.sleep(_EVERY_S)

    async def _follow(self) -> None:
        """Read everything, then what comes, until other partitions are ours: then all again."""
        assigned, wishes = self._owner.assignments, Wishes(self._group)
        async with TopicReader(self._bootstrap, [self._words]) as reader:
            while self._owner.assignments == assigned:
                await self._read(reader, wishes)
                steps = 0
                while wishes:
                    steps += wishes.grant(self._owner)
                    await asyncio.sleep(0)
                if steps:
                    log.info("steps_of_purged_letters_freed", steps=steps)
                await asyncio.sleep(_EVERY_S)

    @staticmethod
    async def _read(reader: TopicReader, wishes: Wishes) -> None:
        number = 0
        async for record in reader.to_end():
            wishes.take(record)
            number += 1
            if number % _BREATH == 0:
                await asyncio.sleep(0)
