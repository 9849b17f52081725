"""Deduplication: every status against every replay generation."""

from __future__ import annotations

import pytest

from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.identity import digest
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.outcome import Duplicate

UNFINISHED = [Status.RUNNING, Status.RELEASED, Status.WAITING]
VALUE = b'{"a":1}'


def mark(status: Status, replay: int = 0) -> Mark:
    return Mark(status=status, at=1, digest=digest(VALUE), replay=replay)


@pytest.mark.parametrize("replay", [0, 1, 2])
def test_an_unknown_event_runs(replay: int) -> None:
    assert duplicate(None, VALUE, replay) is None


@pytest.mark.parametrize("status", UNFINISHED)
@pytest.mark.parametrize("generation", [0, 1, 2])
@pytest.mark.parametrize("replay", [0, 1, 2])
def test_an_unfinished_event_runs_again(status: Status, generation: int, replay: int) -> None:
    assert duplicate(mark(status, generation), VALUE, replay) is None


@pytest.mark.parametrize("generation", [0, 1, 2])
@pytest.mark.parametrize("replay", [0, 1, 2, 3])
def test_an_event_that_is_done_never_runs_again(generation: int, replay: int) -> None:
    assert duplicate(mark(Status.DONE, generation), VALUE, replay) == Duplicate()


@pytest.mark.parametrize("generation", [0, 1, 2])
@pytest.mark.parametrize("replay", [0, 1, 2, 3])
def test_a_dead_lettered_event_runs_only_as_its_next_replay(generation: int, replay: int) -> None:
    decision = duplicate(mark(Status.DEAD_LETTERED, generation), VALUE, replay)

    assert decision == (None if replay == generation + 1 else Duplicate())


def test_the_second_of_two_replays_is_a_duplicate() -> None:
    first = duplicate(mark(Status.DEAD_LETTERED), VALUE, 1)
    second = duplicate(mark(Status.DONE, 1), VALUE, 1)
    third = duplicate(mark(Status.DEAD_LETTERED, 1), VALUE, 1)

    assert (first, second, third) == (None, Duplicate(), Duplicate())


@pytest.mark.parametrize("status", [Status.DONE, Status.DEAD_LETTERED])
@pytest.mark.parametrize("value", [b'{"a":2}', b"", None])
def test_a_duplicate_with_other_bytes_is_still_one_and_says_so(
    status: Status, value: bytes | None
) -> None:
    assert duplicate(mark(status), value, 0) == Duplicate(conflict=True)


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        (None, 0),
        (b"", 0),
        (b"0", 0),
        (b"1", 1),
        (b"007", 7),
        (b"65535", 65_535),
        (b"65536", 65_535),
        (b"9" * 50, 65_535),
        (b"-1", 0),
        (b"1.5", 0),
        (b" 1", 0),
        (b"\xff", 0),
        ("²".encode(), 0),
        ("\u0661".encode(), 0),
    ],
)
def test_the_replay_count_is_a_number_or_nothing(raw: bytes | None, count: int) -> None:
    headers = () if raw is None else (("streamagents-replay-count", raw),)

    assert replay_count(headers) == count


def test_of_two_replay_counts_the_last_counts() -> None:
    name = "streamagents-replay-count"

    assert replay_count(((name, b"1"), (name, b"2"))) == 2
