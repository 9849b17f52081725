"""Freeing: what a person has purged is thrown away once, by who holds it, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.replay import LetterState, Paid, Stage
from streamagents.runtime.freeing import Wishes
from streamagents.topics import LETTERS
from support.records import record

if TYPE_CHECKING:
    from streamagents.testing.bus import MemoryRecord

MARK = seen_key("order", "shop", "i-1", b"k")
MINE = Paid("shop", MARK)


class Owner:
    """Remembers what was purged; each event had two steps."""

    assignments = 1

    def __init__(self) -> None:
        self.purges: list[tuple[str, bytes, int]] = []

    def purged(self, topic: str, key: bytes, replay: int) -> int:
        """Throw away the steps of an event."""
        self.purges.append((topic, key, replay))
        return 2


def word(stage: Stage, frees: Paid | None = None, *, letter: int = 1) -> MemoryRecord:
    state = LetterState(stage=stage, replay=3, by="ann@x", at="2026-11-23T04:00:00Z", frees=frees)
    return raw(state.encode(), letter=letter)


def raw(value: bytes | None, *, letter: int = 1) -> MemoryRecord:
    return record(value, topic=LETTERS, key=b"order.dlq:0:%d" % letter)


@pytest.mark.parametrize(
    ("words", "freed"),
    [
        ([word(Stage.PURGED, MINE)], True),
        ([word(Stage.REPLAYED), word(Stage.PURGED, MINE)], True),
        ([word(Stage.PURGED, MINE), word(Stage.PURGED, MINE)], True),
        ([word(Stage.PURGED, MINE), word(Stage.DONE, letter=2)], True),
        ([word(Stage.PURGED)], False),
        ([word(Stage.PURGED, Paid("billing", MARK))], False),
        ([word(Stage.DONE, MINE)], False),
        ([word(Stage.PURGED, MINE), word(Stage.REPLAYED)], False),
        ([word(Stage.PURGED, MINE), raw(None)], False),
        ([word(Stage.PURGED, MINE), raw(b"{")], False),
        ([raw(b'{"frees":1}')], False),
        ([word(Stage.PURGED, Paid("shop", b"v\0other"))], False),
        ([], False),
    ],
)
def test_the_last_word_on_a_letter_says_whether_anything_is_freed(
    words: list[MemoryRecord],
    freed: bool,  # noqa: FBT001 - a case
) -> None:
    wishes, owner = Wishes("shop"), Owner()
    for said in words:
        wishes.take(said)
    steps = wishes.grant(owner)

    assert owner.purges == ([("order", MARK, 3)] if freed else [])
    assert steps == (2 if freed else 0)
    assert not wishes


def test_many_letters_are_freed_a_few_at_a_time() -> None:
    wishes, owner = Wishes("shop"), Owner()
    for number in range(1000):
        wishes.take(word(Stage.PURGED, MINE, letter=number))
    rounds = 0
    while wishes:
        wishes.grant(owner)
        rounds += 1

    assert (rounds, len(owner.purges)) == (5, 1000)
