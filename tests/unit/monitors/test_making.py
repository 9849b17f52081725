"""From an item to an event, by a function or by a map of fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streamagents import Event
from streamagents.errors import ConfigurationError, InvalidEventError
from streamagents.monitors import Item
from streamagents.monitors.making import Making


class Post(Event, topic="post", key="company"):
    company: str
    title: str | None = None
    score: int = 0


ITEM = Item(
    id="7",
    title="Prices",
    url="https://a.example/7",
    published=datetime(2026, 11, 3, tzinfo=UTC),
    more={"score": 3, "deep": {"tags": ["x", "y"]}},
)


def by_hand(item: Item) -> Post | None:
    return Post(company="Hand", title=item.title) if item.title else None


class Maker:
    def __call__(self, item: Item) -> Post:
        return Post(company="Object")

    def method(self, item: Item) -> Post:
        return Post(company="Method")


@pytest.mark.parametrize(
    ("how", "made"),
    [
        ({"event": by_hand}, Post(company="Hand", title="Prices")),
        ({"event": Maker()}, Post(company="Object")),
        ({"event": Maker().method}, Post(company="Method")),
        (
            {"to": Post, "fields": {"company": "'Beta'", "title": "title", "score": "score"}},
            Post(company="Beta", title="Prices", score=3),
        ),
        (
            {"to": Post, "fields": {"company": "monitor", "title": "deep.tags[1]"}},
            Post(company="beta", title="y"),
        ),
        ({"to": Post, "fields": {"company": "published", "title": "author"}},
         Post(company="2026-11-03T00:00:00+00:00")),
    ],
)  # fmt: skip
def test_an_item_becomes_an_event(how: Any, made: Post) -> None:
    making = Making("beta", **how)

    assert making(ITEM) == made
    assert list(making.models) == [Post]


def test_an_item_that_is_no_news_becomes_none() -> None:
    assert Making("beta", event=by_hand)(Item(id="1")) is None


def unannotated(item):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - that is the case
    return Post(company="x")


def any_event(item: Item) -> Event:
    return Post(company="x")


async def waits(item: Item) -> Post:
    return Post(company="x")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "by event=function or by to=Model"),
        ({"event": by_hand, "to": Post}, "by event=function or by to=Model"),
        ({"event": by_hand, "fields": {}}, "by event=function or by to=Model"),
        ({"event": unannotated}, "annotate what the function returns"),
        ({"event": any_event}, "annotate what the function returns"),
        ({"event": lambda item: Post(company="x")}, "annotate what the function returns"),
        ({"event": waits}, "a plain function"),
        ({"event": "Post"}, "a plain function"),
        ({"to": Post, "fields": {"title": "title"}}, "Post needs company"),
        ({"to": Post, "fields": {"company": "a", "b": "a", "c": "a"}}, "has no field b, c"),
        ({"to": Post, "fields": {"company": "a["}}, "no JMESPath expression"),
    ],
)
def test_what_cannot_work_is_refused_at_once(how: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Making("beta", **how)


@pytest.mark.parametrize("fields", [{"company": "nothing"}, {"company": "length(score)"}])
def test_an_item_that_makes_no_event_is_told_in_words(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidEventError) as told:
        Making("beta", to=Post, fields=fields)(ITEM)
    assert "Prices" not in str(told.value)


def test_a_function_that_returns_something_else_is_told() -> None:
    def wrong(item: Item) -> Post:
        return "x"  # type: ignore[return-value]

    wrong.__annotations__["return"] = Post
    with pytest.raises(TypeError, match="says that it makes Post, and made str"):
        Making("beta", event=wrong)(ITEM)
