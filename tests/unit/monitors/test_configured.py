"""Monitors from the settings."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents import Event
from streamagents.agents import build_registry
from streamagents.errors import ConfigurationError
from streamagents.monitors import FeedMonitor, Item, LinkMonitor, UptimeMonitor
from streamagents.monitors.configured import MonitorDefault, configured


class Post(Event, topic="post", key="company"):
    company: str
    title: str | None = None
    text: str | None = None


class Leftovers:
    async def run(self, event: dict[str, object]) -> None: ...


REGISTRY = build_registry({}, fallback=Leftovers(), emits=[Post])
DEFAULTS = {"feed": MonitorDefault(type="post", fields={"company": "monitor", "text": "text"})}


def made(**found: Any) -> Any:
    return configured(found, REGISTRY, defaults=DEFAULTS)


def test_a_monitor_is_made_as_the_settings_say() -> None:
    betasoft, shop, site = made(
        betasoft={
            "kind": "feed",
            "url": "https://beta.example/feed",
            "type": "post",
            "fields": {"company": "'Betasoft'", "title": "title"},
            "every_s": 600,
            "first": 3,
            "most": 10,
        },
        shop={"kind": "uptime", "url": "https://a.example", "type": "post",
              "fields": {"company": "monitor"}, "confirm": 3},
        site={"kind": "sitemap", "url": "https://a.example/sitemap.xml", "type": "post",
              "fields": {"company": "url"}, "pages": 7},
    )  # fmt: skip

    assert isinstance(betasoft, FeedMonitor)
    policy = betasoft.policy
    assert (policy.every_s, policy.first, policy.most, policy.fails) == (600, 3, 10, 5)
    assert betasoft.make(Item(title="x")) == Post(company="Betasoft", title="x")
    assert isinstance(shop, UptimeMonitor)
    assert (shop.confirm, shop.policy.every_s) == (3, 60)
    assert isinstance(site, LinkMonitor)
    assert (site.bounds.pages, site.policy.timeout_s) == (7, 80)


def test_an_application_may_say_what_a_kind_makes() -> None:
    (beta,) = made(beta={"kind": "feed", "url": "https://beta.example/feed"})

    assert beta.make(Item(title="x", text="y")) == Post(company="beta", text="y")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (7, "of the kind None; there are feed, reddit"),
        ({}, "of the kind None"),
        ({"kind": "fax"}, "of the kind 'fax'"),
        ({"kind": ["feed"]}, r"of the kind \['feed'\]"),
        ({"kind": "feed"}, "url: Field required"),
        ({"kind": "feed", "url": "x", "urls": "y"}, "urls: Extra inputs are not permitted"),
        ({"kind": "feed", "url": "x", "every_s": "soon"}, "every_s: Input should be a valid"),
        ({"kind": "feed", "url": "x", "every_s": 0}, "every_s=0.0 is not between 1 and"),
        ({"kind": "feed", "url": "x", "most": 5000}, "most=5000 is not between 1 and 1000"),
        ({"kind": "feed", "url": "x", "first": -1}, "first=-1 is not between"),
        ({"kind": "feed", "url": "x", "type": "lead"}, "makes 'lead', of which .* it has post"),
        ({"kind": "feed", "url": "x", "fields": {"title": "title"}}, "Post needs company"),
        ({"kind": "feed", "url": "x", "fields": {"company": "a", "b": "c"}}, "has no field b"),
        ({"kind": "feed", "url": "x", "fields": {"company": "a["}}, "no JMESPath"),
        ({"kind": "page", "url": "x"}, "has no type"),
        ({"kind": "page", "url": "x", "type": "post", "fields": {"company": "monitor"},
          "select": "p:hover"}, "here a selector has tags"),
        ({"kind": "reddit", "type": "post", "fields": {"company": "monitor"}}, "name a subreddit"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_in_words(setting: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^STREAMAGENTS_MONITORS: .*{words}"):
        made(one=setting)


def test_all_faults_are_told_together() -> None:
    with pytest.raises(ConfigurationError) as told:
        made(one={"kind": "fax"}, two={"kind": "feed"}, three={"kind": "page", "url": "x"})

    assert all(f"monitor '{name}'" in str(told.value) for name in ("one", "two", "three"))
