"""Moving: the state of a topic that grows goes where its keys belong, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.bus import KafkaTogether, TopicReader
from streamagents.errors import TopicsError
from streamagents.ports import Outgoing
from streamagents.runtime.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from pathlib import Path

    from streamagents.pipeline.growing import Growth, Moved

_BATCH = 500
_BATCH_BYTES = 4 << 20


class StateMove:
    """Copies state to another changelog, reads it back, and only then deletes it where it was.

    Args:
        bootstrap: the broker.
        growth: decides what goes where.
        folder: for what is too much for the memory.
        timeout_s: of each answer.
    """

    def __init__(self, bootstrap: str, growth: Growth, *, folder: Path, timeout_s: float) -> None:
        self._bootstrap, self._growth = bootstrap, growth
        self._folder, self._timeout_s = folder, timeout_s

    async def move(
        self,
        old: str,
        new: str,
        *,
        say: Callable[[str], None],
        undisturbed: Callable[[], Awaitable[None]],
    ) -> int:
        """Move from one changelog to another; how many values.

        Args:
            old: where it is.
            new: where it will be.
            say: told what happens, in words.
            undisturbed: asked before anything is deleted; raises if somebody else is at work.

        Raises:
            TopicsError: what was written could not be read back.
            StateError: the folder's disk is full.
            BrokerUnavailableError: the broker did not answer.
        """
        with Scratch(self._folder) as before, Scratch(self._folder) as after:
            await self._read(old, before)
            total = sum(1 for _ in self._moves(before))
            say(f"{total:,} values of the state move from {old} to {new}.")
            await self._write(
                Outgoing(topic=new, key=move.key, value=move.value, partition=move.partition)
                for _, move in self._moves(before)
            )
            await self._read(new, after)
            missing = sum(
                after.get(move.partition, move.key) != move.value for _, move in self._moves(before)
            )
            if missing:
                raise TopicsError(
                    f"{missing:,} of {total:,} values of the state could not be read back "
                    f"from {new}: the old ones are untouched, run it again."
                )
            await undisturbed()
            await self._write(
                Outgoing(topic=old, key=move.old_key, value=None, partition=number)
                for number, move in self._moves(before)
            )
            return total

    def _moves(self, state: Scratch) -> Iterator[tuple[int, Moved]]:
        for number in state.partitions:
            for move in self._growth.moves(number, state.of(number)):
                yield number, move

    async def _read(self, changelog: str, scratch: Scratch) -> None:
        async with TopicReader(self._bootstrap, [changelog], timeout_s=self._timeout_s) as reader:
            async for record in reader.to_end():
                scratch.keep(record.partition, record.key or b"", record.value)
        scratch.flush()

    async def _write(self, records: Iterable[Outgoing]) -> None:
        async with KafkaTogether(self._bootstrap, timeout_s=self._timeout_s) as writer:
            batch: list[Outgoing] = []
            size = 0
            for record in records:
                batch.append(record)
                size += len(record.value or b"")
                if len(batch) >= _BATCH or size >= _BATCH_BYTES:
                    await writer.send_together(batch)
                    batch, size = [], 0
            if batch:
                await writer.send_together(batch)
