"""The names of effects: the same in every attempt, and each used once."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.actions import EffectNames, LogLine
from streamagents.errors import ConfigurationError

LINE = LogLine(text="x")


def named(names: EffectNames, *wanted: str | None) -> list[str]:
    given = []
    for name in wanted:
        given.append(names.next(LINE, name))
        names.take(given[-1])
    return given


def test_unnamed_effects_are_counted() -> None:
    assert named(EffectNames(), None, "note", None, None) == ["act-1", "note", "act-2", "act-3"]


def test_a_name_that_was_not_taken_is_free() -> None:
    names = EffectNames()

    assert [names.next(LINE, "note"), names.next(LINE, "note")] == ["note", "note"]
    assert [names.next(LINE, None), names.next(LINE, None)] == ["act-1", "act-1"]


@pytest.mark.parametrize("wanted", [["note", "note"], [None, "act-1"], ["act-2", None, None]])
def test_a_name_is_used_once(wanted: list[str | None]) -> None:
    with pytest.raises(ConfigurationError, match=r"name='.*'\) was called twice in one run"):
        named(EffectNames(), *wanted)


@pytest.mark.parametrize("name", ["", "a/b", "x" * 201, 7, b"x"])
def test_a_name_that_could_be_another_events_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a name is a text of 1 to 200 characters without"):
        EffectNames().next(LINE, name)


@pytest.mark.parametrize("action", [None, {"text": "x"}, "x", LogLine])
def test_only_an_action_can_be_done(action: Any) -> None:
    with pytest.raises(TypeError, match=r"act\(\) takes an Action, got"):
        EffectNames().next(action, None)
