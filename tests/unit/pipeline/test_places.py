"""Places: what belongs to one event, agent or lane lies under no key of another."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamagents.pipeline.identity import read_seen_key, seen_key
from streamagents.pipeline.places import (
    DELAYED,
    MARKS,
    PARKED,
    delayed_key,
    due_of,
    lane_digest,
    parked_key,
    read_parked_key,
    step_key,
    steps_of,
    value_key,
    values_of,
)
from streamagents.runtime.intent import intent_key
from streamagents.runtime.internals import OFFSET_KEY

NUMBERS = st.integers(0, 2**63 - 1)
TOPICS = st.text("abc.-_", min_size=1, max_size=20)
PLACES = st.tuples(NUMBERS, TOPICS, NUMBERS)
NAMES = st.text(max_size=30)
KEYS = st.binary(max_size=30)
LANES = st.binary(min_size=16, max_size=16)


@given(LANES, NUMBERS)
def test_a_parked_key_says_its_lane_and_number(lane: bytes, number: int) -> None:
    assert read_parked_key(parked_key(lane, number)) == (lane, number)


@given(LANES, NUMBERS, NUMBERS)
def test_the_parked_of_a_lane_lie_in_the_order_of_their_numbers(
    lane: bytes, one: int, other: int
) -> None:
    assert (parked_key(lane, one) < parked_key(lane, other)) == (one < other)


@given(NUMBERS, TOPICS, NUMBERS)
def test_a_delayed_key_says_when_it_is_due(due_ms: int, topic: str, offset: int) -> None:
    assert due_of(delayed_key(due_ms, topic, offset)) == due_ms


@given(PLACES, PLACES)
def test_the_delayed_lie_in_the_order_of_their_times(
    one: tuple[int, str, int], other: tuple[int, str, int]
) -> None:
    assume(one[0] < other[0])

    assert delayed_key(*one) < delayed_key(*other)


@given(st.sets(PLACES, max_size=20))
def test_two_delayed_records_never_share_a_key(places: set[tuple[int, str, int]]) -> None:
    assert len({delayed_key(*place) for place in places}) == len(places)


@given(NUMBERS, TOPICS, NUMBERS)
def test_behind_all_that_is_delayed_lies_the_end(due_ms: int, topic: str, offset: int) -> None:
    assert DELAYED <= delayed_key(due_ms, topic, offset) < b"d\1"


@given(st.tuples(NAMES, KEYS), st.tuples(NAMES, KEYS), NAMES, NAMES)
def test_values_of_two_agents_or_keys_never_meet(
    one: tuple[str, bytes], other: tuple[str, bytes], name: str, another: str
) -> None:
    assume(one != other)

    assert value_key(*one, name) != value_key(*other, another)
    assert not value_key(*one, name).startswith(values_of(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", b"c"), ("a", b"bc")),
        (("a", b"b\0c"), ("a\0b", b"c")),
        (("", b"ab"), ("ab", b"")),
        (("1,1", b"x"), ("1", b",1x")),
    ],
)
def test_what_is_in_an_agents_name_does_not_move_into_the_key(
    one: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    assert values_of(*one) != values_of(*other)
    assert lane_digest(one[0].encode(), one[1]) != lane_digest(other[0].encode(), other[1])


@given(KEYS, KEYS, NAMES, NAMES)
def test_steps_of_two_events_never_meet(one: bytes, other: bytes, path: str, more: str) -> None:
    assume(one != other)

    assert step_key(one, path) != step_key(other, more)
    assert not step_key(one, path).startswith(steps_of(other))


@given(KEYS, NAMES, NAMES)
def test_each_step_and_value_has_a_place_of_its_own(key: bytes, one: str, other: str) -> None:
    assume(one != other)
    assume("\\" not in one + other)  # how a lone surrogate is written

    assert step_key(key, one) != step_key(key, other)
    assert value_key("Agent", key, one) != value_key("Agent", key, other)


@pytest.mark.parametrize("name", ["\ud83d", "ä", "", "a/b", "x" * 1000])
def test_any_name_has_a_place(name: str) -> None:
    assert step_key(b"k", name).startswith(steps_of(b"k"))
    assert value_key("Agent", b"k", name).startswith(values_of("Agent", b"k"))


def test_no_kind_of_key_lies_under_another() -> None:
    kinds = {
        "mark": seen_key("order", "shop", "i-1", b"ada"),
        "mark without a key": seen_key("order", "", "i-1", None),
        "intent": intent_key("order"),
        "step": step_key(b"k", "enrich"),
        "value": value_key("Agent", b"k", "count"),
        "parked": parked_key(bytes(16), 1),
        "delayed": delayed_key(1, "order", 1),
        "faust's offset": OFFSET_KEY,
    }
    prefixes = {name: key[:2] for name, key in kinds.items()}
    prefixes.pop("mark without a key")

    assert len(set(prefixes.values())) == len(prefixes)
    for one, other in itertools.permutations(prefixes.values(), 2):
        assert not one.startswith(other)


def test_what_the_sweep_reads_as_marks_are_marks() -> None:
    assert seen_key("order", "", "i", None).startswith(MARKS)
    for key in (PARKED + bytes(24), DELAYED + bytes(20), steps_of(b"k"), intent_key("order")):
        assert read_seen_key(key) is None
        assert not key.startswith(MARKS)
