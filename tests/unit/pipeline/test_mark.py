"""The mark's bytes: what was written is what is read, by this version and no older one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.errors import StreamAgentsError
from streamagents.pipeline.mark import (
    FORMAT,
    History,
    Mark,
    NewerFormatError,
    Status,
    done_mark,
    refuse_newer,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
HISTORIES = st.builds(
    History,
    owner=TEXT,
    alone=st.booleans(),
    deaths=st.lists(TEXT, max_size=8).map(tuple),
    deaths_alone=st.lists(TEXT, max_size=8).map(tuple),
    first_failed_at=st.floats(0, 4e9),
    error=TEXT,
    first_started_at=st.floats(0, 4e9),
    parked=st.booleans(),
    steps=st.booleans(),
    interrupted=st.booleans(),
)
FIXED: dict[str, Any] = {
    "at": st.integers(0, 2**32 - 1),
    "key": st.none() | st.binary(max_size=300),
    "digest": st.binary(min_size=8, max_size=8),
    "attempts": st.integers(0, 0xFFFF),
    "replay": st.integers(0, 0xFFFF),
}
UNFINISHED = st.sampled_from([Status.RUNNING, Status.RELEASED, Status.WAITING])
FINISHED = st.sampled_from([Status.DONE, Status.DEAD_LETTERED])


@given(st.builds(Mark, status=UNFINISHED, history=HISTORIES, **FIXED))
def test_a_mark_of_an_unfinished_event_survives_its_bytes(mark: Mark) -> None:
    assert Mark.decode(mark.encode()) == mark


@given(st.builds(Mark, status=FINISHED, **FIXED))
def test_a_mark_of_a_finished_event_survives_its_bytes(mark: Mark) -> None:
    assert Mark.decode(mark.encode()) == mark


@given(st.builds(Mark, status=FINISHED, history=HISTORIES, **FIXED))
def test_a_finished_mark_forgets_its_history_on_purpose(mark: Mark) -> None:
    read = Mark.decode(mark.encode())

    assert read.history == History()
    assert (read.status, read.attempts, read.replay) == (mark.status, mark.attempts, mark.replay)


@given(st.fixed_dictionaries(FIXED))
def test_the_short_way_to_a_mark_of_what_is_done_is_no_other(fields: dict[str, Any]) -> None:
    assert done_mark(**fields) == Mark(status=Status.DONE, **fields).encode()


@pytest.mark.parametrize("size", [65_533, 65_534, 65_535, 200_000])
def test_the_short_way_cuts_a_key_as_the_long_one_does(size: int) -> None:
    fields: dict[str, Any] = {"at": 1, "key": b"k" * size, "digest": bytes(8), "attempts": 0}

    assert done_mark(replay=0, **fields) == Mark(status=Status.DONE, **fields).encode()


def test_a_history_of_an_earlier_release_is_read() -> None:
    """Fields that came later have what they had then: nothing."""
    mark = Mark(status=Status.WAITING, at=1, key=b"k", history=History(owner="p1", error="boom"))
    old = mark.encode().replace(b',"first_started_at":0.0', b"").replace(b',"parked":false', b"")
    old = old.replace(b',"steps":false', b"").replace(b',"interrupted":false', b"")

    assert b"interrupted" not in old
    assert Mark.decode(old) == mark


def test_a_finished_mark_is_small() -> None:
    assert len(Mark(status=Status.DONE, at=1, key=b"ada").encode()) < 30


@pytest.mark.parametrize("key", [None, b"", b"\0", b"{", b"k" * 65_533, b"k" * 65_534])
def test_a_key_survives_beside_a_history(key: bytes | None) -> None:
    mark = Mark(status=Status.WAITING, at=1, key=key, history=History(error="boom {"))

    assert Mark.decode(mark.encode()) == mark


@pytest.mark.parametrize("size", [65_535, 65_536, 200_000])
def test_a_key_beyond_the_limit_is_cut_and_costs_nothing_else(size: int) -> None:
    mark = Mark(status=Status.WAITING, at=1, key=b"k" * size, history=History(error="boom"))
    read = Mark.decode(mark.encode())

    assert read.key == b"k" * 65_534
    assert read.history == mark.history


def test_no_key_and_an_empty_key_are_two_things() -> None:
    marks = [Mark(status=Status.DONE, at=1, key=key).encode() for key in (None, b"")]

    assert [Mark.decode(value).key for value in marks] == [None, b""]


def test_every_value_begins_with_its_format() -> None:
    assert Mark(status=Status.RUNNING, at=1).encode()[0] == FORMAT


@pytest.mark.parametrize("value", [b"", bytes([FORMAT + 1]), b"\xff" * 40, b"\0"])
def test_another_format_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(NewerFormatError, match="format"):
        Mark.decode(value)

    with pytest.raises(StreamAgentsError, match=f"knows format {FORMAT}"):
        refuse_newer(value)


def test_a_mark_says_whether_its_event_is_finished() -> None:
    finished = {status for status in Status if Mark(status=status, at=1).finished}

    assert finished == {Status.DONE, Status.DEAD_LETTERED}


def test_the_numbers_of_the_statuses_are_on_disk() -> None:
    assert {status.name: int(status) for status in Status} == {
        "RUNNING": 1,
        "RELEASED": 2,
        "WAITING": 3,
        "DONE": 4,
        "DEAD_LETTERED": 5,
    }
