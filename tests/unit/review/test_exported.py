"""Exported letters: every byte comes back, and a damaged line is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.errors import InvalidEventError
from streamagents.review.exported import from_line, to_line
from support.post import a_letter

GOOD = to_line(a_letter())


@given(
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=200) | st.text(max_size=50).map(str.encode),
    headers=st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=5),
)
def test_every_letter_comes_back_byte_for_byte(key: Any, value: Any, headers: Any) -> None:
    letter = replace(a_letter(), key=key, value=value, headers=tuple(headers))
    line = to_line(letter)
    back = from_line(line.encode(), "line 1")

    assert "\n" not in line
    assert (back.at, back.written_ms) == (letter.at, letter.written_ms)
    assert (back.key, back.value, back.headers) == (key, value, tuple(headers))


def test_a_header_name_that_is_no_utf8_comes_back() -> None:
    name = b"x-\xff".decode("utf-8", "surrogateescape")
    letter = replace(a_letter(), headers=((name, b"1"),))

    assert from_line(to_line(letter).encode(), "line 1").headers == ((name, b"1"),)


def test_a_megabyte_of_bytes_comes_back() -> None:
    value = bytes(range(256)) * 4096

    assert from_line(to_line(a_letter(value)).encode(), "line 1").value == value


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "null",
        "letters",
        GOOD[:-5],
        GOOD.replace('"letter":"order.dlq:2:0"', '"letter":"somewhere"'),
        GOOD.replace('"timestamp":', '"time":'),
        GOOD.replace('"key":"ada"', '"key":{"base64":"%%"}'),
        GOOD.replace('"key":"ada"', '"key":7'),
        GOOD.replace('"headers":[[', '"headers":[[1,'),
        GOOD.replace('"headers":[[', '"headers":[[null,"x"],['),
        GOOD.replace('"timestamp":', '"timestamp":Infinity,"was":'),
        GOOD.replace('"headers":[[', '"headers":[["x",{"base64":7}],['),
        "[" * 100_000,
    ],
)
def test_what_is_no_exported_letter_is_named(line: str) -> None:
    with pytest.raises(InvalidEventError, match=r"^line 3 of x\.jsonl "):
        from_line(line.encode(), "line 3 of x.jsonl")


def test_the_file_of_a_newer_version_is_not_misread() -> None:
    newer = GOOD.replace('"version":1', '"version":2')

    with pytest.raises(InvalidEventError, match="is of version 2, this version knows 1"):
        from_line(newer.encode(), "line 1")


@pytest.mark.parametrize(
    ("written", "read", "taken"),
    [("a", "a", True), ("a", "", True), ("", "a", True), ("a", "b", False)],
)
def test_a_letter_of_another_cluster_is_not_taken_for_one_of_ours(
    written: str,
    read: str,
    taken: bool,  # noqa: FBT001 - a case
) -> None:
    line = to_line(a_letter(), written).encode()
    if taken:
        assert from_line(line, "line 1", read) == a_letter()
        return
    with pytest.raises(InvalidEventError, match=r"^line 1 is a letter of another cluster, 'a': "):
        from_line(line, "line 1", read)
