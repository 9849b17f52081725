"""Monitors in an application: what it declares, what it refuses, who is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamagents import Event, create_app
from streamagents.errors import ConfigurationError
from streamagents.monitors import FeedMonitor, MonitorFailing, MonitorLoop
from streamagents.settings import load_settings
from streamagents.testing import FakeContext, run_tick

if TYPE_CHECKING:
    from pathlib import Path


class Post(Event, topic="post", key="company"):
    company: str


class Leftovers:
    async def run(self, event: dict[str, object]) -> None: ...


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_DATA_DIR", str(tmp_path))


def app(**how: Any) -> Any:
    return create_app("watching", agents={}, fallback=Leftovers(), **how)


def monitor(name: str = "beta", url: str = "https://beta.example/feed") -> FeedMonitor:
    return FeedMonitor(name, url, to=Post, fields={"company": "monitor"})


def test_an_application_has_the_topics_of_its_monitors() -> None:
    made = app(triggers=[monitor()])

    topics = {spec.name for spec in made.specs()}
    assert topics >= {
        "post",
        "streamagents.ticks",
        "streamagents.ticks.dlq",
        "monitor_failing",
        "monitor_recovered",
        "monitor_item_dropped",
    }
    assert isinstance(made.ticking["beta"], MonitorLoop)
    assert "streamagents.ticks" not in {spec.name for spec in app().specs()}


def test_two_monitors_have_two_names() -> None:
    with pytest.raises(ConfigurationError, match="called 'beta'"):
        app(triggers=[monitor(), monitor()])


@pytest.mark.parametrize("name", ["Beta", "a b", "", "a:b", "x" * 81])
def test_a_name_is_legal(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a name has 1 to 80 small letters"):
        app(triggers=[monitor(name)])


async def test_private_addresses_stay_closed_and_who_polls_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []

    class Ears:
        def polled(self, *what: object, **standing: object) -> None:
            told.append(what)

        def fired(self, *what: object) -> None: ...

    made = app(triggers=[monitor(url="http://127.0.0.1:9/feed")])
    made.polls.add(Ears())
    ctx = await run_tick(made.ticking["beta"], datetime(2026, 11, 3, tzinfo=UTC))
    await made.watching.close()

    assert [what[:2] for what in told] == [("beta", "failed")]
    assert "leads to a private address" in ctx.logs[-1]["error"]


SETTING = {"betasoft": {"kind": "feed", "url": "https://beta.example/feed", "every_s": 900}}


def test_the_settings_name_monitors_for_any_application(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = {"betasoft": {**SETTING["betasoft"], "type": "post", "fields": {"company": "'B'"}}}
    monkeypatch.setenv("STREAMAGENTS_MONITORS", json.dumps(setting))
    made = app(emits=[Post])

    assert set(made.ticking) == {"betasoft"}
    assert {spec.name for spec in made.specs()} >= {"monitor_failing", "post"}


@pytest.mark.parametrize("text", ["x", "7", '["a"]', '{"a": 7}'])
def test_what_is_no_such_object_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_MONITORS", text)
    with pytest.raises(ConfigurationError, match="STREAMAGENTS_MONITORS"):
        load_settings()


def test_reddits_credentials_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_REDDIT_CLIENT_ID", "app")
    with pytest.raises(ConfigurationError, match="go together"):
        app()
    monkeypatch.setenv("STREAMAGENTS_REDDIT_CLIENT_SECRET", "hunter2")
    reddit = {"r": {"kind": "reddit", "subreddit": "a", "type": "post",
                    "fields": {"company": "monitor"}}}  # fmt: skip
    monkeypatch.setenv("STREAMAGENTS_MONITORS", json.dumps(reddit))

    (trigger,) = app(emits=[Post]).triggers
    assert trigger.url == "https://oauth.reddit.com/r/a/new?limit=100"


def test_a_contact_stands_in_the_user_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_MONITOR_CONTACT", "ann@example.com")
    assert app().watching.user_agent.endswith(" (+ann@example.com)")
    monkeypatch.setenv("STREAMAGENTS_MONITOR_CONTACT", "a\nHost: b")
    with pytest.raises(ConfigurationError, match="STREAMAGENTS_MONITOR_CONTACT"):
        load_settings()


async def test_somebody_learns_of_a_monitor_that_fails() -> None:
    from streamagents.starter.trouble import MonitorTroubleAgent

    ctx = FakeContext(type="monitor_failing")
    since = datetime(2026, 11, 3, tzinfo=UTC)
    failing = MonitorFailing(monitor="beta", failures=5, reason="It is gone.", since=since)
    await MonitorTroubleAgent().run(failing, ctx)

    (asked,) = ctx.emitted
    assert asked.model_dump(include={"subject", "reasons"}) == {
        "subject": "beta",
        "reasons": [
            "5 polls in a row have failed, the first at 2026-11-03 00:00:00.",
            "It is gone.",
        ],
    }
    assert len(ctx.acted) == 1
