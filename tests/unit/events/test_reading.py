"""The four ways of reading an event off the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import UndecodableError
from streamagents.events import decode
from streamagents.events.envelope import header

if TYPE_CHECKING:
    from streamagents.events import Headers

BINARY: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"shop/eu"),
    ("ce_type", b"order_paid"),
    ("ce_time", b"2026-03-01T12:00:00+02:00"),
)
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_binary_cloud_event_is_its_headers_and_its_value() -> None:
    read = decode(b'{"a":1}', BINARY)

    assert (read.form, read.data) == ("binary", b'{"a":1}')
    assert (read.id, read.source, read.type) == ("e-1", "shop/eu", "order_paid")
    assert read.time == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_structured_cloud_event_is_one_object() -> None:
    event = {"specversion": "1.0", "id": "e-1", "source": "s", "type": "t", "data": {"a": 1}}

    read = decode(dumps(event), STRUCTURED)

    assert (read.form, read.id, read.source, read.type) == ("structured", "e-1", "s", "t")
    assert json.loads(read.data) == {"a": 1}


def test_a_structured_cloud_event_may_carry_base64() -> None:
    read = decode(b'{"type":"t","data_base64":"eyJhIjoxfQ=="}', STRUCTURED)

    assert read.data == b'{"a":1}'


def test_an_envelope_names_id_type_and_data() -> None:
    read = decode(b'{"id":"e-1","type":"t","data":{"a":1},"source":"s","key":"k"}', ())

    assert (read.form, read.id, read.source, read.type) == ("envelope", "e-1", "s", "t")
    assert (json.loads(read.data), read.key) == ({"a": 1}, "k")


def test_anything_else_is_bare_data() -> None:
    read = decode(b'{"a":1}', ())

    assert (read.form, read.data, read.id, read.type) == ("bare", b'{"a":1}', None, None)


def test_headers_of_a_binary_cloud_event_win_over_a_structured_content_type() -> None:
    assert decode(b"{}", BINARY + STRUCTURED).form == "binary"


def test_a_binary_cloud_event_with_an_envelope_inside_is_not_unpacked() -> None:
    assert decode(b'{"type":"t","data":{}}', BINARY).form == "binary"


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_the_content_type_is_found_however_it_is_spelled(name: str) -> None:
    headers = ((name, b"Application/CloudEvents+JSON"),)

    assert decode(b'{"type":"t","data":{}}', headers).form == "structured"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "t", "data": {"a": 1}, "extra": 1},
        {"type": "t", "data": [1]},
        {"type": "t", "data": "text"},
        {"type": 7, "data": {}},
        {"data": {}},
        {"type": "t"},
        [{"type": "t", "data": {}}],
        "type data",
    ],
)
def test_what_is_not_quite_an_envelope_is_bare_data(value: Any) -> None:
    read = decode(dumps(value), ())

    assert (read.form, json.loads(read.data)) == ("bare", value)


def test_a_model_with_a_field_data_takes_no_envelope() -> None:
    assert decode(b'{"type":"t","data":{}}', (), model_has_data=True).form == "bare"


@pytest.mark.parametrize(
    ("written", "read"), [("7", "7"), ('"7"', "7"), ("null", None), ('""', None)]
)
def test_an_envelopes_id_may_be_a_number_and_empty_is_none(written: str, read: str | None) -> None:
    assert decode(b'{"type":"t","data":{},"id":%b}' % written.encode(), ()).id == read


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"{", STRUCTURED),
        (b"[]", STRUCTURED),
        (b'{"id":7}', STRUCTURED),
        (b'{"data_base64":"no base64"}', STRUCTURED),
        (b'{"data_base64":7}', STRUCTURED),
        (b'{"type" "data"', ()),
        (b'{"type":"t","data":{},"id":[1]}', ()),
        (b'{"type":"t","data":{},"id":true}', ()),
        (b"{}", (("ce_id", b"\xff"),)),
        (b"{}", (("ce_type", b"t"), ("ce_source", b"\xc3\x28"))),
        (b"\xff\xfe", STRUCTURED),
    ],
)
def test_what_cannot_be_read_says_so_in_a_sentence(value: bytes, headers: Headers) -> None:
    with pytest.raises(UndecodableError, match=r"^[A-Z].*\.$"):
        decode(value, headers)


def test_bytes_that_are_no_json_are_carried_on_as_bare_data() -> None:
    assert decode(b"\xff\x00 no json", ()).data == b"\xff\x00 no json"


def test_headers_of_others_may_hold_any_bytes() -> None:
    assert decode(b"{}", (("trace", b"\xff"), *BINARY)).id == "e-1"


def test_a_header_without_a_value_says_nothing() -> None:
    headers: Any = (("content-type", None), ("ce_id", None), ("ce_type", b"t"))

    read = decode(b"{}", headers)

    assert (read.form, read.id, read.type) == ("binary", None, "t")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5+01:00", datetime(2026, 3, 1, 11, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1_772_366_400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (True, None),
        ([2026], None),
        (None, None),
    ],
)
def test_a_time_is_read_in_utc_and_an_odd_one_is_no_fault(
    written: object, read: datetime | None
) -> None:
    envelope = {"type": "t", "data": {}, "time": written}

    time = decode(dumps(envelope), ()).time

    assert time == read
    assert time is None or time.utcoffset() == timedelta(0)


def test_of_a_repeated_header_the_last_counts() -> None:
    headers = (("ce_id", b"1"), ("ce_type", b"t"), ("ce_id", b"2"))

    assert decode(b"{}", headers).id == "2"
    assert header(headers, "CE_ID") is None
