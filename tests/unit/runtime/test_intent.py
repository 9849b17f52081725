"""The intent: what the next owner of a partition has to presume."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.pipeline.mark import NewerFormatError
from streamagents.runtime.intent import NOTHING, Intent, intent_key

OFFSETS = st.integers(NOTHING, 2**40)
INTENTS = st.builds(
    Intent,
    process=st.text(st.characters(codec="utf-8"), max_size=20),
    high=OFFSETS,
    careful=OFFSETS,
    presumed_above=OFFSETS,
    suspect=st.text(st.characters(codec="utf-8"), max_size=20),
)


@given(INTENTS)
def test_an_intent_survives_its_bytes(intent: Intent) -> None:
    assert Intent.decode(intent.encode()) == intent


def test_where_there_is_none_nothing_was_intended() -> None:
    assert Intent.decode(None) == Intent()


@pytest.mark.parametrize("value", [b"", b"\x02{}"])
def test_another_format_is_refused(value: bytes) -> None:
    with pytest.raises(NewerFormatError):
        Intent.decode(value)


def test_the_first_owner_presumes_nothing() -> None:
    intent = Intent().inherited_by("p1")

    assert intent == Intent(process="p1")
    assert all(intent.presumed_death(offset) is None for offset in (0, 1, 10**9))


def test_an_owner_that_left_its_intent_died_with_what_lay_in_its_reach() -> None:
    intent = Intent(process="p1", high=100).inherited_by("p2")

    assert intent == Intent(process="p2", careful=100, suspect="p1")
    assert [intent.presumed_death(offset) for offset in (0, 100, 101)] == ["p1", "p1", None]


def test_a_second_death_presumes_only_what_had_no_marks_of_its_own() -> None:
    second = Intent(process="p2", high=250, careful=100, presumed_above=NOTHING, suspect="p1")
    intent = second.inherited_by("p3")

    assert intent == Intent(process="p3", careful=250, presumed_above=100, suspect="p2")
    assert [intent.presumed_death(n) for n in (100, 101, 250, 251)] == [None, "p2", "p2", None]


def test_a_death_within_the_careful_range_presumes_nothing_new() -> None:
    second = Intent(process="p2", high=80, careful=100, suspect="p1")
    intent = second.inherited_by("p3")

    assert (intent.careful, intent.presumed_above) == (100, 100)
    assert all(intent.presumed_death(offset) is None for offset in range(200))


def test_an_owner_that_released_did_not_die() -> None:
    released = Intent(process="p2", high=NOTHING, careful=100, suspect="p1")
    intent = released.inherited_by("p3")

    assert intent == Intent(process="p3", careful=100, suspect="p1")
    assert intent.presumed_death(50) == "p1"


def test_we_did_not_die_of_our_own_earlier_assignment() -> None:
    own = Intent(process="p1", high=100, careful=20, presumed_above=10, suspect="p0")
    intent = own.inherited_by("p1")

    assert intent == Intent(process="p1", careful=20, presumed_above=10, suspect="p0")


@given(INTENTS, st.lists(st.sampled_from(["p1", "p2", "p3"]), max_size=5))
def test_care_never_shrinks(intent: Intent, owners: list[str]) -> None:
    for owner in owners:
        heir = intent.inherited_by(owner)
        assert heir.careful >= intent.careful
        assert heir.high == NOTHING
        intent = heir


@given(INTENTS, st.integers(0, 2**40))
def test_who_is_presumed_dead_is_handled_with_care(intent: Intent, offset: int) -> None:
    heir = intent.inherited_by("somebody else entirely")

    if heir.presumed_death(offset) is not None:
        assert offset <= heir.careful


def test_every_topic_has_its_own_and_none_is_an_events() -> None:
    assert intent_key("order") != intent_key("receipt")
    assert intent_key("order").startswith(b"i\0")
