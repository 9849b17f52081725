"""The rules for competitors' posts."""

from __future__ import annotations

import pytest

from streamagents.starter.events import CompetitorPost
from streamagents.starter.rules.competitor import CHANNELS, WORDS, channel_of, summary, view


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Our prices did not change.", ["pricing"]),
        ("We launch at the fair", ["product", "event"]),
        ("A breach, an outage, new prices, a beta and a webinar",
         ["security", "outage", "pricing", "product"]),
        ("There was no outage", ["other"]),
        ("Unsere Preise steigen", ["pricing"]),
        ("Bruno, our office dog", ["other"]),
    ],
)  # fmt: skip
def test_the_tags_of_a_post_follow_from_its_words(text: str, tags: list[str]) -> None:
    assert view(CompetitorPost(company="Beta", text=text)).tags == tags


def test_every_tag_has_its_words_and_its_channel() -> None:
    assert {*WORDS, "other"} == CHANNELS.keys()
    assert channel_of(["outage", "security"]) == "sales"


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        (None, "One. Two.", "One."),
        ("News", "One! Two.", "News: One!"),
        ("News", "", "News"),
        (None, " ", "The post is empty."),
    ],
)
def test_a_summary_says_nothing_that_the_post_does_not(
    title: str | None, text: str, said: str
) -> None:
    assert summary(CompetitorPost(company="Beta", title=title, text=text)) == said
