"""What a text says and what it denies."""

from __future__ import annotations

import pytest

from streamagents.starter.rules.wording import asserted


@pytest.mark.parametrize(
    ("phrase", "text", "said"),
    [
        ("stolen", "The card was stolen.", True),
        ("stolen", "The card was not stolen.", False),
        ("stolen", "no fraud; it was stolen", True),
        ("lost card", "a lost card", True),
        ("lost card", "a lost, old card", False),
        ("not enough", "there is not enough money", True),
        ("not enough", "never not enough", True),
        ("outage", "keine Ahnung, outage again", True),
        ("api", "rapid apis", False),
        ("api", "", False),
        ("api", None, False),
    ],
)
def test_a_phrase_counts_where_it_is_said_and_not_denied(
    phrase: str, text: str | None, *, said: bool
) -> None:
    assert asserted([phrase], text) == ([phrase] if said else [])


def test_a_long_text_is_read_to_its_bound() -> None:
    assert asserted(["api"], "x " * 50_000 + "api") == []
