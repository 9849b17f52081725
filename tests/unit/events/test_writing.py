"""What we write is read again as it was; whatever is read never breaks the reader."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamagents.errors import UndecodableError
from streamagents.events import child_of, decode, encode, new_traceparent
from streamagents.events.wire import rfc3339

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=4)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_type", "content-type", "x"]), st.binary(max_size=40)),
    max_size=4,
).map(tuple)


def test_an_event_is_written_as_a_binary_cloud_event() -> None:
    trace = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"

    value, headers = encode(
        b'{"a":1}', id="e-1", source="gateway/me", type="t", time=NOON, traceparent=trace
    )

    assert value == b'{"a":1}'
    assert headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e-1"),
        ("ce_source", b"gateway/me"),
        ("ce_type", b"t"),
        ("ce_time", b"2026-03-01T12:00:00Z"),
        ("content-type", b"application/json"),
        ("traceparent", trace),
    )


def test_a_time_is_written_in_utc() -> None:
    paris = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))

    assert rfc3339(paris) == b"2026-07-01T12:00:00Z"


@given(
    data=st.binary(),
    id_=TEXT.filter(bool),
    source=TEXT,
    type_=TEXT.filter(bool),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_what_is_written_is_read_again(
    data: bytes, id_: str, source: str, type_: str, time: datetime
) -> None:
    value, headers = encode(
        data, id=id_, source=source, type=type_, time=time, traceparent=new_traceparent()
    )

    read = decode(value, headers)

    assert (read.form, read.data, read.id) == ("binary", data, id_)
    assert (read.source, read.type, read.time) == (source, type_, time)


@given(data=OBJECTS, id_=TEXT.filter(bool), type_=TEXT)
def test_an_envelope_hands_over_its_data_as_it_is(
    data: dict[str, Any], id_: str, type_: str
) -> None:
    read = decode(json.dumps({"id": id_, "type": type_, "data": data}).encode(), ())

    assert (read.form, read.id, read.type) == ("envelope", id_, type_)
    assert json.loads(read.data) == data
    assert read.parsed == data


@given(value=JSON)
def test_data_of_any_shape_is_read_and_never_changed_when_bare(value: object) -> None:
    read = decode(json.dumps(value).encode(), ())

    assert read.form == "envelope" or json.loads(read.data) == value


@given(value=st.binary(max_size=60) | st.just(b'{"type":"t","data":{}}'), headers=HEADERS)
def test_whatever_arrives_is_read_or_undecodable(
    value: bytes, headers: tuple[tuple[str, bytes], ...]
) -> None:
    with suppress(UndecodableError):
        assert decode(value, headers).form in {"binary", "structured", "envelope", "bare"}


def test_a_trace_goes_on_in_what_an_event_causes() -> None:
    parent = new_traceparent()

    child = child_of(parent)

    assert child.split(b"-")[1] == parent.split(b"-")[1]
    assert child.split(b"-")[2] != parent.split(b"-")[2]


def test_a_trace_that_cannot_be_read_begins_anew() -> None:
    for parent in (None, b"", b"\xff", b"00-xyz", b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01"):
        assert child_of(parent).startswith(b"00-")
        assert b"0" * 32 not in child_of(parent)
