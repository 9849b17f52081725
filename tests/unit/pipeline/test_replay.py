"""Replay: whom a replayed letter is for, and what is said of the letter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streamagents.events.envelope import header
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.outcome import Skip
from streamagents.pipeline.replay import Answers, LetterState, Paid, Stage, for_group, letter_of
from streamagents.ports import Position
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import LETTERS
from support.records import PARTITIONS, record

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
OTHER = Skip("of the test")
ANSWERS = Answers(topic=LETTERS, partitions=PARTITIONS, partition_of=murmur2_partition, by="shop")


def replayed(
    count: bytes = b"1", letter: bytes = b"order.dlq:2:7"
) -> tuple[tuple[str, bytes], ...]:
    return (("streamagents-replay-count", count), ("streamagents-letter", letter))


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (None, "of the test"),
        (b"shop", "of the test"),
        (b"store", "other_group"),
        (b"", "other_group"),
    ],
)
def test_what_was_sent_again_to_another_group_is_skipped(target: bytes | None, reason: str) -> None:
    headers = () if target is None else (("streamagents-target-group", target),)
    decide = for_group(lambda _: OTHER, "shop")

    assert decide(record(headers=headers)) == Skip(reason)


@pytest.mark.parametrize("raw", [b"", b"order", b"order:1", b"order:x:2", b"order:1:" + b"9" * 40])
def test_what_names_no_letter_is_not_answered(raw: bytes) -> None:
    source = record(headers=replayed(letter=raw))

    assert ANSWERS.of(source, Stage.DONE, NOW) == ()
    assert letter_of(tuple(source.headers)) is None


@pytest.mark.parametrize("frees", [None, Paid("shop", b"e\0order\0-0\0\0\xff")])
def test_what_a_purge_asks_for_comes_back(frees: Paid | None) -> None:
    state = LetterState(stage=Stage.PURGED, replay=2, by="ann@x", at="now", frees=frees)

    assert LetterState.decode(state.encode()) == state


@pytest.mark.parametrize("frees", [b"1", b"null", b"{}", b'{"group":"g","mark":"%"}', b"[]"])
def test_a_purge_that_asks_for_nothing_readable_is_a_purge(frees: bytes) -> None:
    value = b'{"state":"purged","replay":0,"by":"a","at":"b","frees":' + frees + b"}"
    state = LetterState.decode(value)

    assert state == LetterState(stage=Stage.PURGED, replay=0, by="a", at="b")


def test_an_answer_lies_under_the_letters_position() -> None:
    (answer,) = ANSWERS.of(record(headers=replayed(b"3")), Stage.DONE, NOW)

    assert (answer.topic, answer.key) == (LETTERS, b"order.dlq:2:7")
    assert answer.partition == murmur2_partition(b"order.dlq:2:7", PARTITIONS)
    assert LetterState.decode(answer.value) == LetterState(
        stage=Stage.DONE, replay=3, by="shop", at="2026-11-23T04:05:06Z"
    )
    assert letter_of(replayed()) == Position("order.dlq", 2, 7)


@pytest.mark.parametrize(
    ("status", "generation", "stage"),
    [
        (Status.DONE, 0, Stage.DONE),  # its mark had expired, or it was sent anew meanwhile
        (Status.DONE, 2, Stage.DONE),
        (Status.DEAD_LETTERED, 1, Stage.REPLACED),
        (Status.DEAD_LETTERED, 2, Stage.REPLACED),
        (Status.DEAD_LETTERED, 0, None),  # no other letter came of it: this one stays
        (Status.RUNNING, 1, None),
        (None, 0, None),
    ],
)
def test_the_second_of_two_replays_tells_what_became_of_the_first(
    status: Status | None, generation: int, stage: Stage | None
) -> None:
    mark = None if status is None else Mark(status=status, at=0, replay=generation)
    answers = ANSWERS.of_duplicate(record(headers=replayed()), mark, NOW)

    said = [LetterState.decode(answer.value) for answer in answers]
    assert [state.stage for state in said if state] == ([] if stage is None else [stage])


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"{}", b'{"state":"lost","replay":0,"by":"","at":""}', b"\xff", b"1"],
)
def test_what_is_no_state_of_a_letter_says_nothing(value: bytes | None) -> None:
    assert LetterState.decode(value) is None


def test_only_what_nobody_has_to_look_at_is_closed() -> None:
    assert {stage for stage in Stage if not stage.closed} == {Stage.REPLAYED, Stage.PARKED}


def test_a_letter_does_not_carry_the_headers_of_its_replay() -> None:
    from streamagents.pipeline.deadletter import without_added

    kept = without_added((*replayed(), ("streamagents-fresh", b"1"), ("own", b"x")))

    assert kept == (("own", b"x"),)
    assert header(kept, "own") == b"x"
