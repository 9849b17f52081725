"""The ledger: the commit position never passes an event that is not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from streamagents.runtime.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator


class NaiveLedger:
    """The same by brute force: every delivered offset, and whether it is finished."""

    def __init__(self, start: int) -> None:
        self.end, self.events = start, list[int]()
        self.finished: set[int] = set()

    @property
    def position(self) -> int:
        return next((n for n in self.events if n not in self.finished), self.end)

    @property
    def unfinished(self) -> int:
        return sum(n not in self.finished for n in self.events)


def polls(start: int, steps: list[tuple[list[int], int]]) -> Iterator[tuple[list[int], int]]:
    """Polls with gaps between records and markers behind the last."""
    position = start
    for gaps, markers in steps:
        offsets = []
        for gap in gaps:
            position += gap
            offsets.append(position)
            position += 1
        position += markers
        yield offsets, position


STEPS = st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=5), st.integers(0, 2)), max_size=8)


@given(start=st.integers(0, 1000), steps=STEPS, data=st.data())
def test_it_agrees_with_brute_force_whatever_finishes_when(
    start: int, steps: list[tuple[list[int], int]], data: st.DataObject
) -> None:
    ledger, naive = Ledger(start), NaiveLedger(start)
    for offsets, end in polls(start, steps):
        ledger.deliver(offsets, end)
        naive.events += offsets
        naive.end = end
        running = sorted(set(naive.events) - naive.finished)
        chosen = data.draw(st.lists(st.sampled_from(running), unique=True)) if running else []
        for offset in chosen:
            before = ledger.position
            ledger.finish(offset)
            naive.finished.add(offset)
            assert ledger.unfinished == naive.unfinished
            assert ledger.position == naive.position >= before
    assert ledger.next == naive.end
    assert ledger.span >= ledger.unfinished


def test_it_begins_where_the_seek_went() -> None:
    ledger = Ledger(42)

    assert (ledger.position, ledger.next, ledger.committed) == (42, 42, 42)


def test_the_position_waits_for_the_lowest_unfinished_event() -> None:
    ledger = Ledger(0)
    ledger.deliver([0, 1, 2, 3], 4)
    for offset in (3, 1, 2):
        ledger.finish(offset)

    assert (ledger.position, ledger.unfinished, ledger.span) == (0, 1, 4)


def test_when_the_lowest_finishes_the_position_jumps_over_what_was_finished_before() -> None:
    ledger = Ledger(0)
    ledger.deliver([0, 1, 2, 3], 4)
    for offset in (1, 2, 0):
        ledger.finish(offset)

    assert (ledger.position, ledger.unfinished) == (3, 1)


def test_offsets_without_a_record_hold_nothing_up() -> None:
    ledger = Ledger(10)
    ledger.deliver([10, 15, 99], 105)
    for offset in (10, 15):
        ledger.finish(offset)

    assert ledger.position == 99
    ledger.finish(99)
    assert ledger.position == 105


def test_a_poll_of_markers_alone_moves_the_position() -> None:
    ledger = Ledger(10)
    ledger.deliver([], 12)

    assert (ledger.position, ledger.unfinished) == (12, 0)


def test_markers_behind_an_unfinished_event_do_not_move_it() -> None:
    ledger = Ledger(10)
    ledger.deliver([10], 11)
    ledger.deliver([], 20)

    assert ledger.position == 10


def test_the_span_counts_what_is_kept_track_of() -> None:
    ledger = Ledger(0)
    ledger.deliver(range(1000), 1000)
    for offset in range(1, 1000):
        ledger.finish(offset)

    assert (ledger.position, ledger.unfinished, ledger.span) == (0, 1, 1000)
    ledger.finish(0)
    assert (ledger.position, ledger.span) == (1000, 0)


def test_an_event_that_finishes_twice_counts_once() -> None:
    ledger = Ledger(0)
    ledger.deliver([0, 1], 2)
    ledger.finish(1)
    ledger.finish(1)

    assert (ledger.position, ledger.unfinished) == (0, 1)
