"""The rules for mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.starter.events import Mention
from streamagents.starter.rules.monitoring import classify, decide, urgency, view

if TYPE_CHECKING:
    from streamagents.starter.fields import Number


def mention(text: str) -> Mention:
    return Mention(text=text, author="@ana")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it", "positive"),
        ("not bad at all", "positive"),
        ("can't complain", "positive"),
        ("never had any problems", "positive"),
        ("no bugs, nothing broken", "positive"),
        ("not only fast but reliable", "positive"),
        ("bad", "negative"),
        ("not good", "negative"),
        ("I would not recommend it", "negative"),
        ("doesn't work well, very slow", "negative"),
        ("not cheap, but bad", "negative"),
        ("not cheap but bad", "negative"),
        ("great but slow", "mixed"),
        ("version 4.2 is out", "neutral"),
        ("Das ist richtig gut", "positive"),
        ("ein wirklich tolles Werkzeug", "positive"),
        ("nicht schlecht!", "positive"),
        ("schnell und nicht teuer", "positive"),
        ("Der Export funktioniert nicht", "negative"),
        ("Das gefällt mir nicht", "negative"),
        ("Leider sehr langsam", "negative"),
        ("kein Problem damit", "positive"),
        ("gut, aber langsam", "mixed"),
        ("Setup has never been easier", "positive"),
        ("Oh great, it is down again", "negative"),
        ("thanks for nothing", "negative"),
        ("😍", "positive"),
        ("😡😡", "negative"),
    ],
)
def test_a_text_sounds_as_its_words_do(text: str, label: str) -> None:
    assert classify(text).label == label


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "とても良い", "🦄" * 5000, "12345", "a" * 90_000]
)
def test_a_text_without_known_words_is_neutral_and_says_why(text: str) -> None:
    judged = view(mention(text))
    assert (judged.sentiment, decide(judged), judged.draft) == ("neutral", "no_reply", "")
    assert "No word of the lists" in judged.reasons[0]


@pytest.mark.parametrize(
    ("text", "angry"),
    [
        ("this is a scam", True),
        ("worst service ever", True),
        ("Was für eine Frechheit", True),
        ("furchtbarer Service", True),
        ("slow, buggy, broken and confusing", True),
        ("a bit slow", False),
        ("not a scam", False),
        ("great product, but the search is terrible", False),
    ],
)
def test_anger_is_told_from_blame(text: str, *, angry: bool) -> None:
    assert classify(text).angry is angry


@pytest.mark.parametrize(
    ("text", "followers", "level"),
    [
        ("hello", None, "low"),
        ("hello", 999, "low"),
        ("hello", "1.2k", "normal"),
        ("hello", 250_000, "high"),
        ("I want a refund", None, "normal"),
        ("outage, I want a refund", None, "high"),
        ("Mein Anwalt meldet sich", None, "high"),
        ("no outage since May", None, "low"),
        ("is it down?", 2000, "high"),
        ("hello", "countless", "low"),
    ],
)
def test_urgency_follows_from_words_and_reach(text: str, followers: Number, level: str) -> None:
    assert urgency(text, followers).level == level


def test_the_reply_is_in_the_language_of_the_mention() -> None:
    assert view(mention("Das ist sehr gut")).draft.startswith("Danke")
    assert view(mention("This is very good")).draft.startswith("Thank you")


def test_a_very_long_mention_is_read_to_a_bound_and_says_so() -> None:
    judged = view(mention("so good " * 100_000))
    assert judged.reasons[-1] == "Only the first 20,000 characters were read."
    assert len(judged.model_dump_json()) < 2000


def test_the_words_that_count_are_named_with_what_a_negation_made_of_them() -> None:
    assert classify("very good, not bad").words == ("good +3", "bad (negated) +1")
