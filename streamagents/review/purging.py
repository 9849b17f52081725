"""Purging: letters that nobody wants home any more. Said of each, and their topics cut off.

A letter in the middle stays in Kafka, closed; a partition's head goes as far as all are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from streamagents.events.wire import rfc3339
from streamagents.pipeline.replay import Stage
from streamagents.ports import Outgoing, Position
from streamagents.review.states import forgotten, word
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from streamagents.pipeline.replay import Paid
    from streamagents.ports import Clock, Record, Together
    from streamagents.review.letter import Letter
    from streamagents.review.states import States

_BATCH = 500

Heads = dict[tuple[str, int], int]
"""By topic and partition, the first offset that somebody may still need."""


async def purge(
    letters: AsyncIterator[Letter],
    writer: Together,
    *,
    states_topic: str,
    by: str,
    clock: Clock,
    paid: Callable[[Letter], Paid | None] = lambda _: None,
) -> int:
    """Close letters, and ask their workers to forget what was paid for them; how many.

    Args:
        letters: which.
        writer: takes the words, in batches.
        states_topic: where is said what becomes of letters.
        by: who does it.
        clock: the time.
        paid: where the state keeps a letter's steps; None where that is not known.
    """
    now = rfc3339(clock.now()).decode()
    purged, batch = 0, list[Outgoing]()
    async for letter in letters:
        # One that is under way keeps what was paid for: its replay is about to ask for it.
        frees = None if _is_under_way(letter) else paid(letter)
        replays = letter.fault.replays
        said = word(
            states_topic, letter.at, Stage.PURGED, replay=replays, by=by, now=now, frees=frees
        )
        batch.append(said)
        if len(batch) >= _BATCH:
            await writer.send_together(batch)
            purged, batch = purged + len(batch), []
    if batch:
        await writer.send_together(batch)
    return purged + len(batch)


def _is_under_way(letter: Letter) -> bool:
    return letter.state is not None and letter.state.stage is Stage.REPLAYED


async def heads(records: AsyncIterator[Record], states: States) -> Heads:
    """How far each partition may be cut off: up to its first letter that is not closed.

    Only of topics that are ours to cut: those whose names say that they hold letters.
    """
    first_open: Heads = {}
    behind: Heads = {}
    async for record in records:
        if not record.topic.endswith(LETTERS_SUFFIX):
            continue
        at = (record.topic, record.partition)
        behind[at] = record.offset + 1
        if at in first_open:
            continue
        state = states.get(Position(record.topic, record.partition, record.offset))
        if state is None or not state.stage.closed:
            first_open[at] = record.offset
    return {**behind, **first_open}


async def forget(
    states: States,
    begins: Mapping[tuple[str, int], int],
    writer: Together,
    states_topic: str,
    clock: Clock,
) -> int:
    """Forget what became of letters that are gone; how many."""
    gone = forgotten(states, begins, clock.now())
    for start in range(0, len(gone), _BATCH):
        await writer.send_together(
            [
                Outgoing(topic=states_topic, key=str(at).encode(), value=None)
                for at in gone[start : start + _BATCH]
            ]
        )
    return len(gone)


async def audit(
    writer: Together,
    topic: str,
    *,
    action: str,
    by: str,
    clock: Clock,
    facts: Iterable[tuple[str, object]],
) -> None:
    """Leave a record of what a person did."""
    said = {"action": action, "by": by, "at": rfc3339(clock.now()).decode(), **dict(facts)}
    await writer.send_together([Outgoing(topic=topic, key=action.encode(), value=to_json(said))])
