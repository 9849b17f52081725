"""The desk: all letters of a cluster, read one by one and joined with what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import TopicsError
from streamagents.ports import Position
from streamagents.review.letter import read_letter
from streamagents.review.states import States, read_states
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from streamagents.ports import Reader, Record
    from streamagents.review.filters import Filter
    from streamagents.review.letter import Letter
    from streamagents.topics import Layout

Ends = dict[tuple[str, int], int]
"""By topic and partition the offset behind the last letter that was read."""


class Desk:
    """Letters, as they lie on the broker.

    Args:
        reader: reads topics.
        topics: on the broker, by name the number of partitions.
        layout: where our topics are.
        named: the topic whose letters are meant, or the topic of letters itself; else all.
        cluster: the cluster's id.

    Raises:
        TopicsError: the named topic has no letters.
    """

    def __init__(
        self,
        reader: Reader,
        topics: Mapping[str, int],
        layout: Layout,
        named: str | None = None,
        *,
        cluster: str = "",
    ) -> None:
        self._reader, self.cluster = reader, cluster
        self.topics = topics
        self.states_topic, self.audit_topic = layout.letter_states().name, layout.audit().name
        self.names = letter_topics(topics, layout.prefix, named)
        self.states = States()

    async def open(self) -> None:
        """Read what became of letters."""
        if self.states_topic in self.topics:
            self.states = await read_states(self._reader.read([self.states_topic]))

    async def letters(
        self, wanted: Filter, *, closed: bool = False, up_to: Ends | None = None
    ) -> AsyncGenerator[Letter, None]:
        """The letters that are meant.

        Args:
            wanted: which.
            closed: those, too, that nobody has to look at any more.
            up_to: only what a former reading got to see; what came since is left out.
        """
        states = self.states
        async for record in self.records():
            if up_to is not None and record.offset >= up_to.get(
                (record.topic, record.partition), 0
            ):
                continue
            state = None
            if states:
                state = states.get(Position(record.topic, record.partition, record.offset))
                if state is not None and state.stage.closed and not closed:
                    continue
            letter = read_letter(record, state)
            if wanted.matches(letter):
                yield letter

    async def records(self) -> AsyncIterator[Record]:
        """All letters as they lie there."""
        if self.names:
            async for record in self._reader.read(self.names):
                yield record

    def require_states(self) -> None:
        """Before anything is written.

        Raises:
            TopicsError: nobody could be told of it.
        """
        missing = [n for n in (self.states_topic, self.audit_topic) if n not in self.topics]
        if missing:
            raise TopicsError(
                f"The topic {missing[0]} does not exist: run `streamagents topics apply`."
            )


def letter_topics(topics: Mapping[str, int], prefix: str, named: str | None) -> list[str]:
    """The topics that hold letters.

    Raises:
        TopicsError: the named one does not.
    """
    if named is None:
        return sorted(n for n in topics if n.endswith(LETTERS_SUFFIX) and n.startswith(prefix))
    for name in (named, prefix + named):
        for candidate in (name + LETTERS_SUFFIX, name):
            if candidate in topics:
                return [candidate]
    raise TopicsError(f"There is no topic {named}, nor one of its letters.")
