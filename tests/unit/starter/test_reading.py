"""Reading what people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.starter.events import Mention
from streamagents.starter.reading import (
    READ_CHARS,
    bounded,
    count,
    found,
    language,
    one_line,
    tokens,
)

if TYPE_CHECKING:
    from streamagents.starter.fields import Number


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (120, 120),
        (120.9, 120),
        ("120", 120),
        ("1,200", 1200),
        ("1.200", 1200),
        ("1'200'000", 1_200_000),
        ("1,234.5", 1234),
        ("12k", 12_000),
        ("12.5k", 12_500),
        ("1.2 Mio", 1_200_000),
        ("50-200", 50),
        ("200+", 200),
        ("about 300 people", 300),
        ("0", 0),
        (0, 0),
    ],
)
def test_a_quantity_is_read_as_people_write_it(written: Number, read: int) -> None:
    assert count(written) == read


@pytest.mark.parametrize(
    "written",
    [None, "", "  ", "many", "-5", -5, float("nan"), float("inf"), 1e300, 10**40, "9" * 5000,
     "1e999", "v2x", "🙂"],
)  # fmt: skip
def test_what_is_no_quantity_is_none(written: Number) -> None:
    assert count(written) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Das ist nicht gut", "de"),
        ("This is not good", "en"),
        ("", "en"),
        ("とても良い", "en"),
        ("Sehr gut, the best!", "en"),
    ],
)
def test_the_language_is_told_by_small_words(text: str, said: str) -> None:
    assert language(text) == said


def test_words_are_found_as_whole_words_only() -> None:
    assert found(("api", "this week"), "Rapid APIs, this\nweek!") == ["this week"]
    assert found(("api",), None) == []


def test_tokens_are_words_clause_ends_and_emoji() -> None:
    assert tokens("I don\u2019t KNOW, 42 \N{POUTING FACE}") == [
        "i", "don't", "know", ",", "\N{POUTING FACE}",
    ]  # fmt: skip


def test_a_long_text_is_read_to_its_bound() -> None:
    assert len(tokens("a " * READ_CHARS)) == READ_CHARS // 2


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("two\r\nlines\x00", "two lines"),
        ("x" * 200, "x" * 77 + "..."),
        (None, "None"),
        (["a"], "['a']"),
        ("", ""),
    ],
)
def test_a_value_fits_into_a_sentence(value: object, line: str) -> None:
    assert one_line(value) == line


def test_an_event_is_bounded_before_a_model_reads_it() -> None:
    huge = {f"q{n}": "y" * 9_000 for n in range(3_000)} | {"n" * 5_000: ["z"] * 100_000}
    read = bounded({"text": "x" * 1_000_000, "answers": huge, "at": 7})
    assert len(str(read)) < 60_000
    assert read["text"].endswith("x [...]")


def test_a_small_event_is_read_as_it_is() -> None:
    mention = Mention(text="good", author="@ana", followers=7)
    assert bounded(mention) == mention.model_dump(mode="json")
    assert bounded({"n": float("nan"), "none": None, "list": [1, {"a": True}]}) == {
        "n": "nan", "none": None, "list": [1, {"a": True}],
    }  # fmt: skip
