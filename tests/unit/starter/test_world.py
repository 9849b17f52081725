"""The demo's world: what listens fits what happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from streamagents.settings import Settings
from streamagents.starter.building import build_app
from streamagents.starter.world import SITES, World, world
from streamagents.triggers import Folder
from streamagents.triggers.hooks.received import Received
from streamagents.triggers.hooks.signatures import is_signed

if TYPE_CHECKING:
    from pathlib import Path

RUN = "1123-120000-abcdef"
URLS = {name: f"http://127.0.0.1:{number}" for number, name in enumerate(SITES, 8001)}


@pytest.fixture
def made(tmp_path: Path) -> World:
    return world(RUN, URLS, tmp_path)


def test_an_application_can_be_built_of_it_and_takes_what_is_heard(made: World) -> None:
    app = build_app(Settings(), made.triggers)

    assert {ear.type for ear in made.ears} <= set(app.registry.agents)
    folders = {trigger.source for trigger in app.triggers if isinstance(trigger, Folder)}
    woken = {ticking.source for ticking in app.ticking.values()}
    assert {ear.source for ear in made.ears} == {*folders, *woken, "hooks/stripe"}


def test_the_sites_have_news_where_a_monitor_looks_for_it(made: World) -> None:
    news = {
        (name, path)
        for name, pages in made.sites.items()
        for path, page in pages.items()
        if page.after is not None
    }

    assert set(made.sites) == set(SITES)
    assert news == {("betasoft", "/feed"), ("betasoft", "/prices"), ("forum", "/r/acme/new.json")}


def test_the_webhook_is_signed_twice_and_forged_once(made: World) -> None:
    signed = [
        is_signed(
            made.hooks["stripe"],
            Received.of(post.headers.items(), post.body),
            time.time(),
        )
        for post in made.posts
    ]

    assert signed == [True, True, False]
    assert [post.status for post in made.posts] == [202, 202, 401]
    assert made.posts[0].body == made.posts[1].body


def test_two_runs_share_no_id(made: World, tmp_path: Path) -> None:
    other = world("1123-120000-fedcba", URLS, tmp_path)

    ids = {(ear.source, ear.id) for ear in made.ears}
    assert ids.isdisjoint({(ear.source, ear.id) for ear in other.ears})
    assert made.files.keys().isdisjoint(other.files)
