"""The depth of dead letters: those that are closed do not count, whatever was read first."""

from __future__ import annotations

import pytest

from streamagents.ops.depths import Depths
from streamagents.pipeline.replay import LetterState, Stage
from streamagents.testing import MemoryRecord


def record(
    topic: str, offset: int, key: bytes | None, value: bytes, timestamp: int = 0
) -> MemoryRecord:
    return MemoryRecord(
        topic=topic,
        partition=0,
        offset=offset,
        key=key,
        value=value,
        headers=(),
        timestamp=timestamp,
    )


def said(key: bytes | None, value: bytes) -> MemoryRecord:
    return record("streamagents.letters", 0, key, value)


def letter(offset: int, at_s: int) -> MemoryRecord:
    return record("order.dlq", offset, None, b"{}", at_s * 1000)


def word(offset: int, stage: Stage) -> MemoryRecord:
    state = LetterState(stage=stage, replay=1, by="ann", at="2026-11-23T00:00:00Z")
    key = f"order.dlq:0:{offset}".encode()
    return said(key, state.encode())


def depths() -> Depths:
    return Depths({"order.dlq": "order", "lead.dlq": "lead"})


def test_letters_are_counted_by_topic_with_the_oldest() -> None:
    found = depths()
    for one in (letter(0, 20), letter(1, 10), letter(2, 30)):
        found.letter(one)

    assert found.found() == {"order": (3, 10.0), "lead": (0, 0.0)}


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("word_first", [True, False])
def test_what_nobody_has_to_look_at_any_more_does_not_count(
    stage: Stage, *, word_first: bool
) -> None:
    found = depths()
    if word_first:
        found.word(word(0, stage))
    found.letter(letter(0, 10))
    found.letter(letter(1, 20))
    if not word_first:
        found.word(word(0, stage))

    still = stage in {Stage.REPLAYED, Stage.PARKED}
    assert found.found()["order"] == ((2, 10.0) if still else (1, 20.0))


def test_a_word_that_is_none_closes_nothing() -> None:
    found = depths()
    found.letter(letter(0, 10))
    for key, value in ((b"order.dlq:0:0", b"no JSON"), (b"nowhere", b"{}"), (None, b"{}")):
        found.word(said(key, value))

    assert found.found()["order"] == (1, 10.0)
