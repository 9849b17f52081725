"""Growing a topic: its state and its unread records move, by their keys, to more partitions.

Each step can be taken again after a kill. The old state is deleted only when all of the new one was
read back; a group that has worked with the new partitions is never copied to again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from streamagents.bus import KafkaAdmin, wait_until_stable
from streamagents.bus.failures import answered
from streamagents.bus.raw import header_name
from streamagents.errors import TopicsError
from streamagents.pipeline.growing import Growth
from streamagents.runtime.moving import StateMove
from streamagents.runtime.partitioner import partition_of
from streamagents.runtime.transaction import start_producer, stop_producer
from streamagents.runtime.unread import UnreadMove
from streamagents.topics import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from streamagents.agents import Registration
    from streamagents.topics import Layout, TopicSpec

_OPEN_S = 40.0
"""A transaction that a kill left open is ended by the broker after twenty seconds at most."""


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
        folder: on whose disk there is room for a copy of the state.
        say: told what happens, in words.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        layout: Layout,
        registrations: Mapping[str, Registration],
        folder: Path,
        say: Callable[[str], None],
        timeout_s: float = 10.0,
    ) -> None:
        self._bootstrap, self._group, self._layout = bootstrap, group, layout
        self._registrations, self._folder = registrations, folder
        self._say, self._timeout_s = say, timeout_s

    async def grow(self, topics: Sequence[str], partitions: int) -> Grown:
        """Give topics so many partitions, with the group stopped.

        Raises:
            TopicsError: it is refused, a worker was started meanwhile, or what was written could
                not be read back.
            StateError: there is no room for a copy of the state in the folder.
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
            await self._make_room(admin, topics, new, there)
            await self._fence(before)
            # What a kill left open, and how far it had come with it, is known when that has ended.
            await wait_until_stable(
                self._bootstrap,
                [*topics, old.name, new.name],
                within_s=_OPEN_S,
                timeout_s=self._timeout_s,
            )
            guard = partial(self._undisturbed, admin, await admin.end_offsets([old.name]))
            values = await self._state_move(growth).move(
                old.name, new.name, say=self._say, undisturbed=guard
            )
            records = await self._move_unread(admin, growth, topics, (before, partitions))
            # The last of all: as long as it has the old number, the rest may not be complete.
            letters = [self._layout.letters_name(topic) for topic in topics]
            growing = [name for name in letters if there.get(name, partitions) < partitions]
            for name in growing:
                await admin.add_partitions(name, partitions)
            await admin.wait_for(growing, self._timeout_s, partitions=partitions)
        return Grown(before=before, after=partitions, values=values, records=records)

    async def _make_room(
        self, admin: KafkaAdmin, topics: Sequence[str], new: TopicSpec, there: Mapping[str, int]
    ) -> None:
        await admin.apply([Change(action="create", spec=new)] if new.name not in there else [])
        for topic in topics:
            if there[topic] < new.partitions:
                await admin.add_partitions(topic, new.partitions)
        await admin.wait_for([*topics, new.name], self._timeout_s, partitions=new.partitions)

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

    async def _undisturbed(self, admin: KafkaAdmin, ends: Mapping[tuple[str, int], int]) -> None:
        """Nobody has come meanwhile: what a worker writes now, the copy does not have.

        Raises:
            TopicsError: somebody has.
        """
        members = await admin.members(self._group)
        written = await admin.end_offsets({topic for topic, _ in ends})
        if members or written != ends:
            raise TopicsError(
                f"A worker of {self._group} has been started meanwhile: stop it, and run this "
                "again. Nothing is lost, and nothing was deleted."
            )

    def _state_move(self, growth: Growth) -> StateMove:
        return StateMove(self._bootstrap, growth, folder=self._folder, timeout_s=self._timeout_s)

    async def _move_unread(
        self, admin: KafkaAdmin, growth: Growth, topics: Sequence[str], counts: tuple[int, int]
    ) -> int:
        move = UnreadMove(
            self._bootstrap,
            self._group,
            growth,
            before=counts[0],
            partitions=counts[1],
            undisturbed=partial(self._undisturbed, admin, {}),
            timeout_s=self._timeout_s,
        )
        unread = await move.move(
            await admin.end_offsets(topics),
            await admin.committed(self._group),
            await admin.notes(self._group),
        )
        self._say(f"{unread:,} unread records were written anew where they belong.")
        return unread

    async def _fence(self, partitions: int) -> None:
        """A worker that is frozen, and no member any more, writes nothing from here on."""
        settings = {"bootstrap_servers": self._bootstrap, "client_id": "streamagents-grow"}
        for number in range(partitions):
            name = f"{self._group}-p{partitions}-{number}"
            async with answered(self._bootstrap, self._timeout_s):
                producer = await start_producer(settings, name)
            await stop_producer(producer)


def _belongs(key: bytes, *, partitions: int) -> int:
    return partition_of(key, partitions)
