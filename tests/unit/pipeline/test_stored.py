"""Stored: what waits in the state comes out as it went in, in this version and no older one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents.steps import StepResult
from streamagents.pipeline.mark import FORMAT, NewerFormatError
from streamagents.pipeline.stored import (
    StoredRecord,
    decode_record,
    decode_step,
    decode_value,
    due_ms_of,
    encode_record,
    encode_step,
    encode_value,
)
from streamagents.runtime.internals import RawName, header_name
from support.records import record

NAMES = st.text(st.characters(codec="utf-8"), max_size=12) | st.binary(max_size=6).map(header_name)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=6).map(tuple)
RECORDS = st.fixed_dictionaries(
    {
        "value": st.none() | st.binary(max_size=200),
        "topic": st.text("abc.-_", min_size=1, max_size=249),
        "partition": st.integers(0, 2**31 - 1),
        "offset": st.integers(0, 2**63 - 1),
        "key": st.none() | st.binary(max_size=50),
        "headers": HEADERS,
        "timestamp": st.integers(-1, 2**63 - 1),
    }
)
DUE = st.integers(0, 2**63 - 1)
PLACE = ("topic", "partition", "offset", "key", "value", "timestamp")


def stored(fields: Any, due_ms: int = 5) -> StoredRecord:
    return decode_record(b"entry", encode_record(record(**fields), due_ms), header_name)


@given(RECORDS, DUE)
def test_a_record_survives_its_bytes(fields: dict[str, Any], due_ms: int) -> None:
    read = stored(fields, due_ms)

    assert {name: getattr(read, name) for name in PLACE} == {name: fields[name] for name in PLACE}
    assert [(name.encode(), value) for name, value in read.headers] == [
        (name.encode(), value) for name, value in fields["headers"]
    ]
    assert (read.due_ms, read.entry) == (due_ms, b"entry")


@given(RECORDS, DUE, DUE)
def test_a_record_that_waits_again_differs_in_its_time_alone(
    fields: dict[str, Any], due_ms: int, later_ms: int
) -> None:
    first = stored(fields, due_ms)
    again = decode_record(b"entry", encode_record(first, later_ms), header_name)

    assert again.due_ms == later_ms
    assert [getattr(again, name) for name in PLACE] == [getattr(first, name) for name in PLACE]
    assert again.headers == first.headers


@given(RECORDS, DUE)
def test_the_time_is_read_without_the_rest(fields: dict[str, Any], due_ms: int) -> None:
    assert due_ms_of(encode_record(record(**fields), due_ms)) == due_ms


@pytest.mark.parametrize("raw", [b"\xff", b"a\xc3", b"\xed\xa0\x80", "ä".encode("latin-1")])
def test_a_header_name_that_is_no_utf8_stays_what_it_was(raw: bytes) -> None:
    read = stored(
        {"headers": ((header_name(raw), b"1"), ("plain", b"2"), (header_name(raw), None))}
    )

    assert [name.encode() for name, _ in read.headers] == [raw, b"plain", raw]
    assert [isinstance(name, RawName) for name, _ in read.headers] == [True, False, True]
    assert [value for _, value in read.headers] == [b"1", b"2", None]


def test_repeated_headers_stay_in_their_order() -> None:
    headers: Any = (("a", b"1"), ("b", b"2"), ("a", b"3"), ("a", b""), ("a", None))

    assert stored({"headers": headers}).headers == headers


@pytest.mark.parametrize("field", ["key", "value"])
def test_nothing_and_an_empty_text_are_two_things(field: str) -> None:
    assert [getattr(stored({field: one}), field) for one in (None, b"")] == [None, b""]


def test_a_large_record_survives_its_bytes() -> None:
    read = stored(
        {"value": b"x" * (6 << 20), "key": b"k" * 70_000, "headers": (("a", b"b" * 70_000),)}
    )

    assert (len(read.value or b""), len(read.key or b"")) == (6 << 20, 70_000)
    assert len(read.headers[0][1]) == 70_000


def test_what_is_stored_is_hardly_larger_than_the_record() -> None:
    size = len(encode_record(record(b"x" * 1000, key=b"k" * 10), 1))

    assert size < 1000 + 10 + 60


@given(st.none() | st.binary(max_size=50), st.binary(max_size=200))
def test_a_value_survives_its_bytes(key: bytes | None, raw: bytes) -> None:
    assert decode_value(encode_value(key, raw)) == raw


@given(
    st.none() | st.binary(max_size=50),
    st.binary(min_size=8, max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.binary(max_size=200),
)
def test_a_step_survives_its_bytes(
    key: bytes | None, digest: bytes, version: str, raw: bytes
) -> None:
    step = StepResult(digest, version, raw)

    assert decode_step(encode_step(key, step)) == step


def test_steps_and_values_hold_their_record_key() -> None:
    """So that a topic can be grown later: nothing else says where a value belongs."""
    assert b"ada" in encode_value(b"ada", b"1")
    assert b"ada" in encode_step(b"ada", StepResult(bytes(8), "1", b"null"))
    assert b"ada" in encode_record(record(key=b"ada"), 1)


ENCODED = [
    encode_record(record(), 1),
    encode_value(b"k", b"1"),
    encode_step(None, StepResult(bytes(8), "1", b"null")),
]


@pytest.mark.parametrize("raw", ENCODED)
def test_everything_begins_with_its_format(raw: bytes) -> None:
    assert raw[0] == FORMAT


@pytest.mark.parametrize("read", [lambda raw: decode_record(b"e", raw), due_ms_of, decode_value])
@pytest.mark.parametrize("raw", ENCODED)
@pytest.mark.parametrize("format_", [0, FORMAT + 1, 255])
def test_another_format_is_refused_in_words(read: Any, raw: bytes, format_: int) -> None:
    with pytest.raises(NewerFormatError, match=f"format {format_}.*knows format {FORMAT}"):
        read(bytes([format_]) + raw[1:])


@pytest.mark.parametrize("read", [due_ms_of, decode_value, decode_step])
def test_an_empty_value_is_refused_in_words(read: Any) -> None:
    with pytest.raises(NewerFormatError, match="format none"):
        read(b"")


def test_the_bytes_on_disk_are_what_they_are() -> None:
    """A state that an earlier release wrote must be read by every later one."""
    source = record(b"v", topic="t", partition=2, offset=3, key=None, headers=(("a", None),))

    assert encode_record(source, 258).hex() == (
        "01"  # the format
        "0000000000000102"  # due
        "0000019b76daa800"  # timestamp
        "0000000000000003"  # offset
        "00000002"  # partition
        "0001"  # the topic's length
        "ffffffff00000001"  # no key, a value of one byte
        "00000001"  # one header
        "7476"  # t, v
        "0000000161ffffffff"  # a, null
    )
    assert encode_step(b"k", StepResult(b"12345678", "2", b"{}")).hex() == (
        "01" + "00000001" + "0001" + b"12345678".hex() + "6b" + "32" + "7b7d"
    )
