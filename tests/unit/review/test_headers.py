"""Headers of letters: what each convention says, and what damage leaves of it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from streamagents.ports import Position
from streamagents.review.headers import read_fault
from support.post import CONNECT, SPRING, STREAMS, a_letter, foreign

if TYPE_CHECKING:
    from streamagents.events import Headers


def test_our_own_letters_say_all_of_it() -> None:
    letter = a_letter()
    fault = letter.fault

    assert (fault.convention, fault.agent, fault.group) == ("streamagents", "OrderAgent", "shop")
    assert (fault.code, fault.exception, fault.cause) == ("failed", "ValueError", "ValueError")
    assert (fault.attempts, fault.replays) == (3, 0)
    assert (fault.message, fault.first_failed_at) == ("it cannot be done", "2026-11-23T03:00:00Z")
    assert letter.origin == Position("order", 2, 7)
    assert letter.own_headers == (("ce_id", b"c-1"),)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            SPRING,
            ("spring", "billing", "", "IllegalStateException", "no such customer", 4),
        ),
        (CONNECT, ("connect", "", "sink", "DataException", "no schema", None)),
        (STREAMS, ("streams", "", "", "SerializationException", "size of data is 3", None)),
    ],
    ids=["spring", "connect", "streams"],
)
def test_letters_of_others_are_read(headers: Headers, expected: tuple[object, ...]) -> None:
    letter = foreign(headers)
    fault = letter.fault

    said = (fault.convention, fault.group, fault.agent, fault.code, fault.message, fault.attempts)
    assert said == expected
    assert letter.origin == Position("order", 3, 1234)
    assert letter.own_headers == (("own", b"kept"),)


@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        (struct.pack(">q", 0), 0),
        (struct.pack(">i", 7), 7),
        (b"12", 12),  # text, as some write it
        (b"12345678", 12_345_678),  # text of as many bytes as a number has
        (struct.pack(">q", -1), None),
        (b"", None),
        (b"\xff" * 8, None),
        (b"x", None),
        (b"9" * 30, None),
        (None, None),
    ],
)
def test_a_number_of_spring_is_read_or_not_known(raw: bytes | None, offset: int | None) -> None:
    kept = tuple(h for h in SPRING if h[0] != "kafka_dlt-original-offset")
    damaged = (*kept, ("kafka_dlt-original-offset", raw))

    assert read_fault(damaged).offset == offset  # type: ignore[arg-type] # Kafka's may be null


@pytest.mark.parametrize("raw", [b"", b"x", b"-1", b"\xff\xfe", b"1" * 40, None])
def test_damaged_headers_of_ours_say_less_and_break_nothing(raw: bytes | None) -> None:
    headers = tuple((name, raw) for name, _ in a_letter().headers)
    fault = read_fault(headers)  # type: ignore[arg-type] # Kafka's may be null

    assert fault.convention == "streamagents"
    assert (fault.attempts, fault.replays, fault.partition) == (None, 0, None)


def test_what_says_nothing_is_a_letter_too() -> None:
    letter = foreign((("own", b"1"),), value=None)

    assert (letter.fault.convention, letter.origin, letter.data()) == ("none", None, None)
    assert letter.ids() == ["orders-dlt:1:5"]
    assert letter.own_headers == (("own", b"1"),)


def test_upstream_headers_of_a_letter_of_ours_are_the_originals() -> None:
    letter = a_letter(headers=CONNECT)

    assert letter.fault.convention == "streamagents"
    assert letter.own_headers == CONNECT
