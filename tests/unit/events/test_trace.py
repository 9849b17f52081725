"""Traces that are handed on, and those that begin here."""

from __future__ import annotations

import pytest

from streamagents.events import child_of, passed_on

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_who_only_hands_on_adds_no_span() -> None:
    assert passed_on(PARENT) == PARENT
    assert child_of(PARENT) != PARENT


@pytest.mark.parametrize(
    "parent", [None, b"", b"00-x-y-01", PARENT.upper(), PARENT + b"-more", b"00-" + b"0" * 32]
)
def test_what_is_no_parent_begins_a_trace(parent: bytes | None) -> None:
    begun = passed_on(parent)

    assert len(begun) == len(PARENT)
    assert begun != parent
