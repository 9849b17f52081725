"""What has become of letters: the topic of letters, joined with the letters themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from streamagents.events.wire import rfc3339
from streamagents.pipeline.identity import read_position
from streamagents.pipeline.replay import LetterState
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator
    from datetime import datetime

    from streamagents.pipeline.replay import Paid, Stage
    from streamagents.ports import Position, Record

ASKED_DAYS = 7
"""A worker that was away for longer leaves the steps to the end of the letter's retention."""


class States(Mapping["Position", "LetterState"]):
    """The last word on each letter, by the letter's position; of open letters nothing is known.

    Kept as it was read: of 100,000 words most are never asked for.
    """

    def __init__(self) -> None:
        self._words: dict[bytes, bytes] = {}

    def take(self, record: Record) -> None:
        """Take what was said later; a tombstone takes it back."""
        key = record.key or b""
        if record.value is None:
            self._words.pop(key, None)
        else:
            self._words[key] = record.value

    def __getitem__(self, at: Position) -> LetterState:
        state = LetterState.decode(self._words[str(at).encode()])
        if state is None:
            raise KeyError(at)
        return state

    def __iter__(self) -> Iterator[Position]:
        for key, value in self._words.items():
            at = read_position(key)
            if at is not None and LetterState.decode(value) is not None:
                yield at

    def __len__(self) -> int:
        return len(self._words)


async def read_states(records: AsyncIterable[Record]) -> States:
    """Of each letter the last word."""
    states = States()
    async for record in records:
        states.take(record)
    return states


def word(
    topic: str,
    at: Position,
    stage: Stage,
    *,
    replay: int,
    by: str,
    now: str,
    frees: Paid | None = None,
) -> Outgoing:
    """A record for the topic of letters."""
    state = LetterState(stage=stage, replay=replay, by=by, at=now, frees=frees)
    return Outgoing(topic=topic, key=str(at).encode(), value=state.encode())


def forgotten(
    states: Mapping[Position, LetterState],
    begins: Mapping[tuple[str, int], int],
    now: datetime,
) -> list[Position]:
    """Letters that are gone from Kafka: nobody needs to know any more what became of them.

    But workers need to, of whom something was asked: who has not run since frees nothing.

    Args:
        states: what is known.
        begins: by topic and partition, the first offset that is still there.
        now: the moment.
    """
    asked_since = rfc3339(now - timedelta(days=ASKED_DAYS)).decode()
    return [
        at
        for at, state in states.items()
        if at.offset < begins.get((at.topic, at.partition), 0)
        and (state.frees is None or state.at < asked_since)
    ]
