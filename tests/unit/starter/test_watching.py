"""What monitors of the settings make in the starter app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from streamagents.agents import build_registry
from streamagents.monitors import Item
from streamagents.monitors.configured import configured
from streamagents.starter.events import BrokenLink, CompetitorPost, Mention
from streamagents.starter.registry import AGENT_REGISTRY, EMITS, FALLBACK
from streamagents.starter.watching import MONITOR_DEFAULTS

if TYPE_CHECKING:
    from streamagents.events import Event

SETTINGS = {
    "feed": {"url": "https://beta.example/feed"},
    "page": {"url": "https://beta.example/prices"},
    "reddit": {"search": "nordwind"},
    "hackernews": {"query": "nordwind"},
    "links": {"url": "https://nordwind.example/"},
    "sitemap": {"url": "https://nordwind.example/sitemap.xml"},
}
ITEM = Item(
    id="1",
    title="Prices",
    text="are down",
    url="https://beta.example/1",
    author="ann",
    published=datetime(2026, 11, 3, tzinfo=UTC),
)
POST = CompetitorPost(
    company="betasoft",
    title="Prices",
    text="are down",
    url="https://beta.example/1",
    published="2026-11-03T00:00:00+00:00",
)
LINK = Item(
    id="1",
    url="https://nordwind.example/gone",
    more={"page": "https://nordwind.example/", "status": 404, "since": "2026-11-03T00:00:00+00:00"},
)


def mention(platform: str) -> Mention:
    return Mention(
        text="Prices are down", author="ann", url="https://beta.example/1", platform=platform
    )


BROKEN = BrokenLink(
    url="https://nordwind.example/gone",
    page="https://nordwind.example/",
    status=404,
    since=datetime(2026, 11, 3, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("kind", "item", "event"),
    [
        ("feed", ITEM, POST),
        ("page", ITEM, POST),
        ("reddit", ITEM, mention("reddit")),
        ("hackernews", ITEM, mention("hackernews")),
        ("links", LINK, BROKEN),
        ("sitemap", LINK, BROKEN),
        ("reddit", Item(title="a title"), Mention(text="a title", platform="reddit")),
    ],
)
def test_each_kind_makes_an_event_of_ours(kind: str, item: Item, event: Event) -> None:
    registry = build_registry(AGENT_REGISTRY, fallback=FALLBACK, emits=EMITS)
    setting = {"betasoft": {"kind": kind, **SETTINGS[kind]}}
    (monitor,) = configured(setting, registry, defaults=MONITOR_DEFAULTS)

    assert monitor.make(item) == event
