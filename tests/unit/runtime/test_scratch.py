"""Scratch: what whoever recovers a changelog would have, on disk and not in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.errors import StateError
from streamagents.runtime.scratch import Scratch

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_value_of_each_key_counts_and_a_tombstone_deletes(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None)):
            scratch.keep(0, key, value)
        scratch.flush()
        assert list(scratch.of(0).items()) == [(b"a", b"2")]
        assert (scratch.get(0, b"a"), scratch.get(0, b"b")) == (b"2", None)


def test_partitions_do_not_mix_and_each_can_be_read_again(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        for number in (0, 1, 256):
            scratch.keep(number, b"\xff", b"%d" % number)
            scratch.keep(number, b"", b"empty")
        scratch.flush()
        assert scratch.partitions == [0, 1, 256]
        for number in scratch.partitions:
            state = scratch.of(number)
            wanted = [(b"", b"empty"), (b"\xff", b"%d" % number)]
            assert list(state.items()) == list(state.items()) == wanted
        assert list(scratch.of(2).items()) == []


def test_more_than_one_batch_is_kept(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        for number in range(5000):
            scratch.keep(3, b"%d" % number, b"x")
        scratch.flush()
        assert sum(1 for _ in scratch.of(3).items()) == 5000


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with Scratch(tmp_path / "new") as scratch:
        scratch.keep(0, b"a", b"1")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_cannot_be_is_told_of_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="STREAMAGENTS_DATA_DIR"), Scratch(tmp_path / "file"):
        pass
