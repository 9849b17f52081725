"""Unread records of a topic that grows are written anew where they belong, each key's in order.

Behind what is there, their old places committed with them, in transactions. A run that was killed
leaves copies behind what it had not reached, and these are the older ones: the next run has to copy
them first. From where on copies lie, stands with the group's positions, as Kafka's note to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.bus import KafkaTogether, TopicReader
from streamagents.events.envelope import header
from streamagents.pipeline.identity import ORIGIN, forwarded_headers
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from streamagents.pipeline.growing import Growth
    from streamagents.ports import Record

_BATCH = 500
_BATCH_BYTES = 4 << 20

At = tuple[str, int]
"""A topic and the number of one of its partitions."""


class UnreadMove:
    """Moves unread records once.

    Args:
        bootstrap: the broker.
        group: whose unread records they are.
        growth: decides what goes where.
        before: how many partitions there were.
        partitions: how many there will be.
        undisturbed: asked before anything is written; raises if somebody else is at work.
        timeout_s: of each answer.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        growth: Growth,
        *,
        before: int,
        partitions: int,
        undisturbed: Callable[[], Awaitable[None]],
        timeout_s: float,
    ) -> None:
        self._bootstrap, self._group, self._growth = bootstrap, group, growth
        self._before, self._note = before, f"grow:{partitions}:"
        self._undisturbed, self._timeout_s = undisturbed, timeout_s

    async def move(
        self, ends: Mapping[At, int], commits: Mapping[At, int], notes: Mapping[At, str]
    ) -> int:
        """Move them; how many were written.

        Args:
            ends: where partitions end.
            commits: what the group has committed.
            notes: what is noted with it.

        Raises:
            TopicsError: somebody else is at work.
            BrokerUnavailableError: the broker did not answer.
        """
        copies = {at: self._copies_from(notes.get(at, ""), end) for at, end in ends.items()}
        left = {
            at: end
            for at, end in ends.items()
            if at[1] < self._before and commits.get(at, 0) < copies[at]  # beyond it all is copied
        }
        starts = {at: commits.get(at, 0) if at in left else end for at, end in ends.items()}
        if not left:
            return 0
        new_notes = {at: f"{self._note}{end}" for at, end in left.items()}
        async with KafkaTogether(self._bootstrap, timeout_s=self._timeout_s) as writer:
            batch = _Batch(writer, self._group, new_notes, self._undisturbed)
            async for record in self._between(copies, left):
                if _is_copy(record):
                    await batch.add(self._anew(record))
            await batch.flush()
            async for record in self._between(starts, left):
                at = (record.topic, record.partition)
                if not (record.offset >= copies[at] and _is_copy(record)):
                    await batch.add(self._anew(record))
                batch.passed[at] = record.offset + 1
            batch.passed.update(left)
            await batch.flush()
        return batch.written

    def _copies_from(self, note: str, end: int) -> int:
        number = note.removeprefix(self._note)
        return int(number) if number != note and number.isdigit() else end

    async def _between(
        self, starts: Mapping[At, int], ends: Mapping[At, int]
    ) -> AsyncIterator[Record]:
        topics = sorted({topic for topic, _ in ends})
        async with TopicReader(
            self._bootstrap, topics, timeout_s=self._timeout_s, starts=starts
        ) as reader:
            async for record in reader.to_end():
                if record.offset < ends.get((record.topic, record.partition), 0):
                    yield record

    def _anew(self, record: Record) -> Outgoing:
        return Outgoing(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=forwarded_headers(record, tuple(record.headers)),
            partition=self._growth.place(record),
            timestamp=record.timestamp,
        )


class _Batch:
    """What is written together, and how far the group has come with it."""

    def __init__(
        self,
        writer: KafkaTogether,
        group: str,
        notes: Mapping[At, str],
        undisturbed: Callable[[], Awaitable[None]],
    ) -> None:
        self._writer, self._group, self._notes = writer, group, notes
        self._undisturbed = undisturbed
        self._records: list[Outgoing] = []
        self._size = 0
        self.passed: dict[At, int] = {}
        """Where the group's positions go with it."""
        self.written = 0

    async def add(self, record: Outgoing) -> None:
        """Take one more; what is full is written before it."""
        if len(self._records) >= _BATCH or self._size >= _BATCH_BYTES:
            await self.flush()
        self._records.append(record)
        self._size += len(record.value or b"")

    async def flush(self) -> None:
        """Write it."""
        if not self._records and not self.passed:
            return
        await self._undisturbed()
        await self._writer.send_together(
            self._records, commits=self.passed, group=self._group, notes=self._notes
        )
        self.written += len(self._records)
        self._records, self._size, self.passed = [], 0, {}


def _is_copy(record: Record) -> bool:
    """Nobody but an earlier run forwards anything while the group stands still."""
    return header(tuple(record.headers), ORIGIN) is not None
