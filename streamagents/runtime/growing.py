"""Growing a topic: its state and its unread records move, by their keys, to more partitions.

Each step can be taken again after a kill. The old state is deleted only when all of the new one was
read back; a group that has worked with the new partitions is never copied to again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from streamagents.bus import KafkaAdmin, KafkaTogether, TopicReader
from streamagents.bus.failures import answered
from streamagents.bus.raw import header_name
from streamagents.errors import TopicsError
from streamagents.pipeline.growing import Growth
from streamagents.pipeline.identity import forwarded_headers
from streamagents.ports import Outgoing
from streamagents.runtime.partitioner import partition_of
from streamagents.runtime.transaction import start_producer, stop_producer
from streamagents.topics import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamagents.agents import Registration
    from streamagents.pipeline.growing import Moved
    from streamagents.ports import Record
    from streamagents.topics import Layout

_BATCH = 500
_BATCH_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What was done."""

    before: int
    """Partitions."""
    after: int
    values: int
    """Of the state: marks, steps, values, records that wait."""
    records: int
    """Unread ones."""


class Grower:
    """Grows topics of one application.

    Args:
        bootstrap: the broker.
        group: the application's consumer group.
        layout: where its topics are.
        registrations: who handles what, by topic.
        say: told what happens, in words.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        layout: Layout,
        registrations: Mapping[str, Registration],
        say: Callable[[str], None],
        timeout_s: float = 10.0,
    ) -> None:
        self._bootstrap, self._group, self._layout = bootstrap, group, layout
        self._registrations, self._say, self._timeout_s = registrations, say, timeout_s

    async def grow(self, topics: Sequence[str], partitions: int) -> Grown:
        """Give topics so many partitions, with the group stopped.

        Raises:
            TopicsError: it is refused, or what was written could not be read back.
            BrokerUnavailableError: the broker did not answer; run it again.
        """
        self._together(topics)
        async with KafkaAdmin(self._bootstrap, timeout_s=self._timeout_s) as admin:
            before = await self._before(admin, topics, partitions)
            chosen = {topic: self._registrations[topic] for topic in topics}
            growth = Growth(chosen, partial(_belongs, partitions=partitions), header_name)
            old, new = (
                self._layout.changelog(self._group, count) for count in (before, partitions)
            )
            there = await admin.partitions()
            await admin.apply([Change(action="create", spec=new)] if new.name not in there else [])
            for topic in topics:
                if there[topic] < partitions:
                    await admin.add_partitions(topic, partitions)
            await admin.wait_for([*topics, new.name], self._timeout_s)
            await self._fence(before)
            values = await self._move_state(growth, old.name, new.name)
            records = await self._move_records(admin, growth, topics, before)
            # The last of all: as long as it has the old number, the rest may not be complete.
            for topic in topics:
                name = self._layout.letters_name(topic)
                if there.get(name, partitions) < partitions:
                    await admin.add_partitions(name, partitions)
        return Grown(before=before, after=partitions, values=values, records=records)

    def _together(self, topics: Sequence[str]) -> None:
        unknown = [topic for topic in topics if topic not in self._registrations]
        if unknown:
            raise TopicsError(f"No agent of {self._group} takes {', '.join(unknown)}.")
        agents = {self._registrations[topic].name for topic in topics}
        whole = {topic for topic, r in self._registrations.items() if r.name in agents}
        if missing := sorted(whole - set(topics)):
            raise TopicsError(
                f"The same agent takes {', '.join(missing)}, too, and its state belongs to a key, "
                "whichever topic it came with: name these topics as well."
            )

    async def _before(self, admin: KafkaAdmin, topics: Sequence[str], partitions: int) -> int:
        """How many partitions the topics had, also if this is run again."""
        if members := await admin.members(self._group):
            raise TopicsError(
                f"The group {self._group} has {len(members)} workers: stop them all, and wait for "
                "as long as a session lasts if one was killed."
            )
        there = await admin.partitions()
        if missing := [topic for topic in topics if topic not in there]:
            raise TopicsError(f"There is no topic {', '.join(missing)}.")
        counts = {there.get(self._layout.letters_name(topic), there[topic]) for topic in topics}
        if len(counts) > 1:
            raise TopicsError(f"{', '.join(topics)} have different numbers of partitions.")
        before = counts.pop()
        if partitions <= before or any(there[topic] > partitions for topic in topics):
            raise TopicsError(
                f"{', '.join(topics)} has {before} partitions already: a topic can only grow."
            )
        commits = await admin.committed(self._group)
        if any(topic in topics and number >= before for topic, number in commits):
            raise TopicsError(
                f"Workers of {self._group} have run on the new partitions already: what they "
                "wrote would be overwritten. Nothing was changed."
            )
        return before

    async def _fence(self, partitions: int) -> None:
        """A worker that is frozen, and no member any more, writes nothing from here on."""
        settings = {"bootstrap_servers": self._bootstrap, "client_id": "streamagents-grow"}
        for number in range(partitions):
            name = f"{self._group}-p{partitions}-{number}"
            async with answered(self._bootstrap, self._timeout_s):
                producer = await start_producer(settings, name)
            await stop_producer(producer)

    # -- the state -------------------------------------------------------------------------------

    async def _move_state(self, growth: Growth, old: str, new: str) -> int:
        moved: list[tuple[int, Moved]] = []
        for number, state in (await self._states(old)).items():
            moved += [(number, move) for move in growth.moves(number, state)]
        self._say(f"{len(moved):,} values of the state move from {old} to {new}.")
        await self._write(
            Outgoing(topic=new, key=move.key, value=move.value, partition=move.partition)
            for _, move in moved
        )
        written = await self._states(new)
        missing = [
            move for _, move in moved if written.get(move.partition, {}).get(move.key) != move.value
        ]
        if missing:
            raise TopicsError(
                f"{len(missing):,} of {len(moved):,} values of the state could not be read back "
                f"from {new}: the old ones are untouched, run it again."
            )
        await self._write(
            Outgoing(topic=old, key=move.old_key, value=None, partition=number)
            for number, move in moved
        )
        return len(moved)

    async def _states(self, changelog: str) -> dict[int, dict[bytes, bytes]]:
        """A table as whoever recovers it reads it, by partition."""
        states: dict[int, dict[bytes, bytes]] = {}
        async with TopicReader(self._bootstrap, [changelog], timeout_s=self._timeout_s) as reader:
            async for record in reader.to_end():
                state = states.setdefault(record.partition, {})
                if record.value is None:
                    state.pop(record.key or b"", None)
                else:
                    state[record.key or b""] = record.value
        return states

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

    # -- unread records --------------------------------------------------------------------------

    async def _move_records(
        self, admin: KafkaAdmin, growth: Growth, topics: Sequence[str], before: int
    ) -> int:
        """Written anew, behind what is there, and their old places committed, in one transaction.

        Those that stay on their partition, too: only a beginning of it can be committed.
        """
        commits = await admin.committed(self._group)
        ends = await admin.end_offsets(topics)
        starts = {at: commits.get(at, 0) for at in ends}
        unread = 0
        async with (
            KafkaTogether(self._bootstrap, timeout_s=self._timeout_s) as writer,
            TopicReader(
                self._bootstrap, topics, timeout_s=self._timeout_s, starts=starts
            ) as reader,
        ):
            batch: list[Outgoing] = []
            read: dict[tuple[str, int], int] = {}
            size = 0
            async for record in reader.to_end():
                at = (record.topic, record.partition)
                if record.partition >= before or record.offset >= ends[at]:
                    continue
                batch.append(_anew(record, growth.place(record)))
                read[at] = record.offset + 1
                size += len(record.value or b"")
                unread += 1
                if len(batch) >= _BATCH or size >= _BATCH_BYTES:
                    await writer.send_together(batch, commits=read, group=self._group)
                    batch, read, size = [], {}, 0
            if batch:
                await writer.send_together(batch, commits=read, group=self._group)
        self._say(f"{unread:,} unread records were written anew where they belong.")
        return unread


def _anew(record: Record, partition: int) -> Outgoing:
    return Outgoing(
        topic=record.topic,
        key=record.key,
        value=record.value,
        headers=forwarded_headers(record, tuple(record.headers)),
        partition=partition,
        timestamp=record.timestamp,
    )


def _belongs(key: bytes, *, partitions: int) -> int:
    return partition_of(key, partitions)
