from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.demo.facts import facts_of
from streamagents.devkit.demo.summary import Counts, Evidence, concerns, lost_of, summarize
from streamagents.pipeline.mark import Status
from streamagents.ports import Position
from support.demo import INBOX, PLACES, Written, forward, letter, mark, result, sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.devkit.demo.summary import Sent

A, A_AGAIN, B = sent("a"), sent("a-again", offset=1), sent("b", offset=2)
UNKNOWN = sent("u", home=INBOX)
VIA_INBOX = sent("v", topic=INBOX, offset=5)
AT_END: Mapping[tuple[str, int], int] = {("lead", 0): 99, (INBOX, 0): 99}


def evidence(records: Sequence[Written], committed: Mapping[tuple[str, int], int]) -> Evidence:
    found = Evidence(committed=committed)
    for record in records:
        for fact in facts_of(record, PLACES):
            found.add(fact)
    return found


CASES: dict[str, tuple[list[Sent], list[Written], Mapping[tuple[str, int], int], Counts]] = {
    "nothing was sent": ([], [], {}, Counts()),
    "processed": ([A], [mark(A)], AT_END, Counts(produced=1, processed=1)),
    "processed, whatever is committed": ([A], [mark(A)], {}, Counts(produced=1, processed=1)),
    "without a key": ([A], [mark(A, key=None)], AT_END, Counts(produced=1, processed=1)),
    "nobody knows of it": ([A, B], [mark(B)], AT_END, Counts(produced=2, processed=1, lost=1)),
    "consumed and forgotten": ([A], [], AT_END, Counts(produced=1, lost=1)),
    "begun": ([A], [mark(A, Status.RUNNING)], AT_END, Counts(produced=1, lost=1)),
    "given back": ([A], [mark(A, Status.RELEASED)], AT_END, Counts(produced=1, lost=1)),
    "a duplicate was passed over": (
        [A, A_AGAIN],
        [mark(A)],
        AT_END,
        Counts(produced=2, processed=1, duplicates=1),
    ),
    "a duplicate that nobody has come to": (
        [A, A_AGAIN],
        [mark(A)],
        {("lead", 0): 1},
        Counts(produced=2, processed=1, lost=1),
    ),
    "two copies and no outcome": ([A, A_AGAIN], [], AT_END, Counts(produced=2, lost=2)),
    "waits for its second attempt": (
        [A],
        [mark(A, Status.WAITING, attempts=1)],
        AT_END,
        Counts(produced=1, retried=1, lost=1),
    ),
    "done at the second attempt": (
        [A],
        [mark(A, Status.WAITING, attempts=1), mark(A, attempts=1)],
        AT_END,
        Counts(produced=1, processed=1, retried=1),
    ),
    "dead at once": (
        [A],
        [mark(A, Status.DEAD_LETTERED, attempts=1), letter(A)],
        AT_END,
        Counts(produced=1, dead_lettered=1),
    ),
    "dead after three attempts": (
        [A],
        [mark(A, Status.DEAD_LETTERED, attempts=3), letter(A, attempts=3)],
        AT_END,
        Counts(produced=1, retried=1, dead_lettered=1),
    ),
    "a duplicate of a dead one": (
        [A, A_AGAIN],
        [mark(A, Status.DEAD_LETTERED, attempts=1), letter(A)],
        AT_END,
        Counts(produced=2, dead_lettered=1, duplicates=1),
    ),
    "a letter of what could not be read has no mark of its id": (
        [A],
        [letter(A)],
        AT_END,
        Counts(produced=1, dead_lettered=1),
    ),
    "a letter that is not the original": (
        [A],
        [mark(A, Status.DEAD_LETTERED, attempts=1), letter(A, value=b"{ }")],
        {},
        Counts(produced=1, lost=1),
    ),
    "marked as dead, but there is no letter": (
        [A],
        [mark(A, Status.DEAD_LETTERED, attempts=1)],
        {},
        Counts(produced=1, lost=1),
    ),
    "the fallback's are processed": (
        [UNKNOWN],
        [mark(UNKNOWN)],
        AT_END,
        Counts(produced=1, processed=1, fallback=1),
    ),
    "through the inbox": (
        [VIA_INBOX],
        [forward(VIA_INBOX, offset=8), mark(VIA_INBOX)],
        AT_END,
        Counts(produced=1, processed=1),
    ),
    "a letter says where it was first written": (
        [VIA_INBOX],
        [forward(VIA_INBOX, offset=8), letter(VIA_INBOX)],
        AT_END,
        Counts(produced=1, dead_lettered=1),
    ),
}


@pytest.mark.parametrize(
    ("events", "records", "committed", "expected"), CASES.values(), ids=CASES.keys()
)
def test_each_event_has_one_outcome(
    events: list[Sent],
    records: list[Written],
    committed: Mapping[tuple[str, int], int],
    expected: Counts,
) -> None:
    summary = summarize(events, evidence(records, committed), inbox=INBOX)

    assert summary.total == expected
    assert summary.good == (not expected.lost)
    total = summary.total
    assert total.produced == (total.processed + total.duplicates + total.dead_lettered + total.lost)
    assert sum(summary.topics.values(), Counts()) == total


def test_a_forwarded_duplicate_counts_when_its_second_record_was_read() -> None:
    again = sent("a-again", topic=INBOX, offset=3)
    records = [mark(A), forward(again, offset=7)]

    early = summarize([A, again], evidence(records, {**AT_END, ("lead", 0): 7}), inbox=INBOX)
    late = summarize([A, again], evidence(records, {**AT_END, ("lead", 0): 8}), inbox=INBOX)

    assert (early.total.duplicates, early.total.lost) == (0, 1)
    assert (late.total.duplicates, late.total.lost) == (1, 0)


def test_an_event_that_ran_again_is_told_apart() -> None:
    summary = summarize([A], evidence([mark(A), mark(A)], AT_END), inbox=INBOX)

    assert summary.total == Counts(produced=1, processed=1)
    assert summary.ran_twice == 1
    assert not summary.good


def test_the_same_id_under_two_keys_is_two_events() -> None:
    records = [mark(A, key=b"x"), mark(A, key=b"y")]

    summary = summarize([A, A_AGAIN], evidence(records, AT_END), inbox=INBOX)

    assert summary.total == Counts(produced=2, processed=2)
    assert not summary.ran_twice


def test_what_agents_emit_counts_in_its_topic_only_and_once() -> None:
    other = sent("x", offset=9)
    records = [mark(A), result(A), result(A), result(A, 2), result(other)]

    summary = summarize([A], evidence(records, AT_END), inbox=INBOX)

    assert summary.total == Counts(produced=1, processed=1)
    assert summary.topics["scored"] == Counts(produced=2)


def test_others_events_do_not_count() -> None:
    summary = summarize([A], evidence([mark(A), mark(B), letter(UNKNOWN)], AT_END), inbox=INBOX)

    assert summary.total == Counts(produced=1, processed=1)


def test_the_lost_ones_are_named() -> None:
    assert lost_of([A, B, A_AGAIN], evidence([mark(A)], AT_END)) == ["b"]


def test_facts_about_others_are_recognised() -> None:
    ids, places = {A.id}, {A.position}

    def about(record: Written) -> list[bool]:
        return [concerns(fact, ids, places) for fact in facts_of(record, PLACES)]

    assert about(mark(A)) == about(result(A)) == about(letter(A)) == [True]
    assert about(mark(B)) == about(result(B)) == about(letter(B)) == [False]
    assert about(forward(VIA_INBOX, offset=1)) == [False]


def test_the_json_has_the_keys_that_dashboards_know() -> None:
    summary = summarize([A], evidence([mark(A)], AT_END), inbox=INBOX, seconds=1.234, rss_mib=9)

    printed = summary.as_dict()

    counts = {"produced", "processed", "duplicates", "retried", "dead_lettered", "fallback", "lost"}
    assert counts | {"seconds", "topics"} <= set(printed)
    assert set(printed["topics"]["lead"]) == counts
    assert printed["seconds"] == 1.23


def test_a_position_is_of_one_topic_only() -> None:
    found = Evidence(committed={("lead", 0): 5})

    assert found.consumed(Position("lead", 0, 4))
    assert not found.consumed(Position("lead", 0, 5))
    assert not found.consumed(Position("lead", 1, 0))
