"""The state key of an event: what is one event, and what is two."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from streamagents.pipeline.chain import read
from streamagents.pipeline.identity import (
    ORIGIN,
    ORIGIN_KEY,
    digest,
    forwarded_headers,
    origin_of,
    seen_key,
)
from streamagents.ports import Position
from support.records import fallback, record

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
NAMES = st.tuples(st.sampled_from(["t", "u"]), WORDS, WORDS, st.none() | st.binary(max_size=5))


def test_the_same_event_has_the_same_key() -> None:
    assert seen_key("t", "s", "i", b"k") == seen_key("t", "s", "i", b"k")


@given(NAMES, NAMES)
def test_events_that_differ_anywhere_have_different_keys(
    one: tuple[str, str, str, bytes | None], other: tuple[str, str, str, bytes | None]
) -> None:
    assume(one != other)

    assert seen_key(*one) != seen_key(*other)


def test_the_same_id_under_two_keys_is_two_events() -> None:
    keys: list[bytes | None] = [None, b"", b"a", b"b", b"a\0", b"\0"]

    assert len({seen_key("t", "s", "i", key) for key in keys}) == len(keys)


def test_the_same_id_of_two_sources_is_two_events() -> None:
    assert seen_key("t", "shop/eu", "i", b"k") != seen_key("t", "shop/us", "i", b"k")
    assert seen_key("t", "", "i", b"k") != seen_key("t", "i", "", b"k")


def test_source_and_id_cannot_trade_letters() -> None:
    assert seen_key("t", "ab", "c", b"k") != seen_key("t", "a", "bc", b"k")


@given(st.text(st.characters(codec="utf-8"), min_size=150, max_size=600))
def test_a_long_id_is_kept_as_its_digest(id_: str) -> None:
    assert len(seen_key("t", "source", id_, b"k" * 1000)) < 100


def test_long_ids_that_differ_at_the_end_are_two_events() -> None:
    assert seen_key("t", "", "x" * 500 + "1", b"k") != seen_key("t", "", "x" * 500 + "2", b"k")


def test_an_id_is_kept_in_full_up_to_the_limit_and_its_length_does_not_collide() -> None:
    keys = {seen_key("t", "", "x" * length, b"k") for length in range(300)}

    assert len(keys) == 300


def test_state_keys_of_topics_that_begin_alike_differ() -> None:
    assert seen_key("a", "b", "c", None) != seen_key("a.b", "", "c", None)


def test_a_record_lies_where_it_was_written() -> None:
    assert origin_of(record(key=b"k", partition=3), ()) == (Position("order", 3, 7), b"k", False)


def test_a_forwarded_record_tells_where_it_came_from() -> None:
    headers = ((ORIGIN, b"inbox:1:2"), (ORIGIN_KEY, b"old"))

    assert origin_of(record(key=b"new"), headers) == (Position("inbox", 1, 2), b"old", True)


def test_a_forwarded_record_without_a_key_had_none() -> None:
    assert origin_of(record(key=b"new"), ((ORIGIN, b"inbox:1:2"),)) == (
        Position("inbox", 1, 2),
        None,
        True,
    )


def test_forwarding_a_forwarded_record_keeps_its_first_origin() -> None:
    headers = ((ORIGIN, b"inbox:1:2"), ("x", b"1"))

    assert forwarded_headers(record(key=b"k", headers=headers), headers) == headers


def test_a_position_id_comes_from_the_origin() -> None:
    headers = ((ORIGIN, b"inbox:1:2"),)
    incoming = read(record(topic="any", headers=headers), fallback(), topic="any")

    assert (incoming.id, incoming.key) == ("inbox:1:2", None)


def test_two_records_of_one_id_are_told_apart_by_eight_bytes() -> None:
    assert len(digest(b"x")) == len(digest(None)) == 8
    assert digest(b"x") != digest(b"y")
    assert digest(None) == digest(b"")


def test_of_two_origins_the_last_counts() -> None:
    headers = ((ORIGIN, b"a:0:1"), (ORIGIN, b"b:0:2"))

    assert origin_of(record(), headers)[0] == Position("b", 0, 2)
