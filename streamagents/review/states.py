"""What has become of letters: the topic of letters, joined with the letters themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.pipeline.identity import read_position
from streamagents.pipeline.replay import LetterState
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Mapping

    from streamagents.pipeline.replay import Stage
    from streamagents.ports import Position, Record

States = dict["Position", "LetterState"]
"""By the letter's position; of open letters nothing is known."""


async def read_states(records: AsyncIterable[Record]) -> States:
    """Of each letter the last word; a tombstone takes it back."""
    states: States = {}
    async for record in records:
        at = read_position(record.key)
        if at is None:
            continue
        state = LetterState.decode(record.value)
        if state is None:
            states.pop(at, None)
        else:
            states[at] = state
    return states


def word(topic: str, at: Position, stage: Stage, *, replay: int, by: str, now: str) -> Outgoing:
    """A record for the topic of letters."""
    state = LetterState(stage=stage, replay=replay, by=by, at=now)
    return Outgoing(topic=topic, key=str(at).encode(), value=state.encode())


def forgotten(
    states: Mapping[Position, LetterState], begins: Mapping[tuple[str, int], int]
) -> list[Position]:
    """Letters that are gone from Kafka: nobody needs to know any more what became of them.

    Args:
        states: what is known.
        begins: by topic and partition, the first offset that is still there.
    """
    return [at for at in states if at.offset < begins.get((at.topic, at.partition), 0)]
