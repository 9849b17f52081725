"""`ctx.state`: a few durable values of one agent and key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field

from streamagents.agents.state import MAX_STATE_BYTES, State
from streamagents.errors import ConfigurationError, EventTooLargeError, StateInvalidError
from streamagents.testing.run import MemoryValues


class Profile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    company: str | None = Field(None, validation_alias="companyName")
    ratio: float = 0.0

    @computed_field
    def short(self) -> str:
        return (self.company or "")[:3]


@dataclass
class Point:
    x: int
    seen: datetime


class Broken(BaseModel):
    what: NotDefined  # type: ignore[name-defined] # noqa: F821 - that is the point


def open_to_all(_: str) -> None: ...


def state(kept: MemoryValues | None = None, **values: Any) -> State:
    return State(kept or MemoryValues(values), open_to_all)


def test_a_value_that_is_not_there_is_the_default() -> None:
    values = state(zero=0, nothing=None)

    assert values.get("missing") is None
    assert values.get("missing", 7) == 7
    assert values.get("missing", "seven", type=int) == "seven"  # a default is not looked at
    assert values.get("missing", type=Profile) is None
    assert values.get("zero", 7) == 0
    assert values.get("nothing", 7) is None


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "", "ä", [], [1, [2]], {}, {"a": {"b": None}}, math.inf]
)
def test_json_comes_back_as_it_was(value: Any) -> None:
    kept = MemoryValues({})
    values = state(kept)

    values.set("x", value)

    assert values.get("x", "default") == value
    assert state(kept).get("x", "default") == value


def test_what_is_not_json_comes_back_by_its_type() -> None:
    values, point = state(), Point(1, datetime(2026, 1, 1, tzinfo=UTC))
    profile = Profile(companyName="Nordwind", ratio=math.inf)
    values.set("point", point)
    values.set("profile", profile)
    values.set("all", {"a": [profile]})

    assert values.get("point", type=Point) == point
    assert values.get("point") == {"x": 1, "seen": "2026-01-01T00:00:00Z"}
    assert values.get("profile", type=Profile) == profile
    assert values.get("profile") == {"company": "Nordwind", "ratio": math.inf}
    assert values.get("all", type=dict[str, list[Profile]]) == {"a": [profile]}
    assert values.get("profile", type=Annotated[Profile, ["no hash"]]) == profile


def test_changes_are_seen_at_once_and_kept() -> None:
    kept = MemoryValues({"old": 1, "other": 2})
    values = state(kept)

    values.set("count", 1)
    values.set("count", 2)
    values.delete("old")
    values.delete("never was")

    assert (values.get("count"), values.get("old", "gone"), values.get("other")) == (2, "gone", 2)
    assert kept.values() == {"count": 2, "other": 2}


def test_a_value_that_was_deleted_may_come_back() -> None:
    values = state(count=1)

    values.delete("count")
    values.set("count", 5)

    assert values.get("count") == 5


def test_an_attempt_sees_its_changes_though_they_are_written_later() -> None:
    class Worker(MemoryValues):
        """Writes with the event's group, as the worker does."""

        def store(self, name: str, value: bytes | None) -> None: ...

    values = state(Worker({"old": 1, "count": 1}))

    values.delete("old")
    values.set("count", 2)

    assert (values.get("old", "gone"), values.get("count")) == ("gone", 2)


def test_what_was_read_can_be_changed_without_changing_the_state() -> None:
    values = state(tags=["a"])

    values.get("tags").append("b")

    assert values.get("tags") == ["a"]


@pytest.mark.parametrize(
    ("stored", "type_", "words"),
    [
        ("many", int, "'x' is no int: Input should be a valid integer"),
        ({"ratio": "high"}, Profile, "'x' is no Profile: Input should be a valid number.* at rat"),
        ({"companyName": "x"}, Profile, "'x' is no Profile: Extra inputs are not permitted"),
        ([{}, 7], list[Profile], r"'x' is no list\[.*Profile\]: .* at 1"),
        (None, int, "'x' is no int"),
    ],
)
def test_a_stored_value_that_is_no_longer_valid_says_so(
    stored: Any, type_: Any, words: str
) -> None:
    with pytest.raises(StateInvalidError, match=rf"The state {words}") as caught:
        state(x=stored).get("x", type=type_)

    assert caught.value.code == "state_invalid"
    assert "another version of the agent" in str(caught.value)


@pytest.mark.parametrize("type_", [State, Broken, list[State]])
def test_a_type_that_nothing_can_be_read_by_is_refused(type_: Any) -> None:
    with pytest.raises(TypeError, match=r"ctx.state.get\('x', type=.*no value can be read so"):
        state(x=1).get("x", type=type_)


@pytest.mark.parametrize("value", [object(), {"a": object()}, "\ud800", {frozenset({1}): 2}, len])
def test_what_has_no_json_is_refused_in_words(value: Any) -> None:
    kept = MemoryValues({"x": "before"})

    with pytest.raises(TypeError, match="The state 'x' cannot be stored as JSON"):
        state(kept).set("x", value)

    assert kept.values() == {"x": "before"}


def test_a_value_may_have_a_mebibyte_and_no_more() -> None:
    values = state()
    values.set("x", "y" * (MAX_STATE_BYTES - 2))

    with pytest.raises(EventTooLargeError, match="would take 1,048,577 bytes, a value takes at mo"):
        values.set("x", "y" * (MAX_STATE_BYTES - 1))

    assert len(values.get("x")) == MAX_STATE_BYTES - 2


@pytest.mark.parametrize("name", ["", "x" * 201, None, 7, b"x"])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    values = state()

    for use in (values.get, values.delete, lambda name: values.set(name, 1)):
        with pytest.raises(TypeError, match="a name is a text of 1 to 200 characters"):
            cast("Any", use)(name)


def test_every_access_is_guarded() -> None:
    def guard(what: str) -> None:
        raise ConfigurationError(f"no {what} here")

    values = State(MemoryValues({"x": 1}), guard)

    for use in (lambda: values.get("x"), lambda: values.set("x", 2), lambda: values.delete("x")):
        with pytest.raises(ConfigurationError, match="no state here"):
            use()
