"""The kinds of monitors, each at a site that answers as the real one does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from streamagents import Event
from streamagents.errors import ConfigurationError
from streamagents.monitors import (
    HackerNewsMonitor,
    PageMonitor,
    RedditLogin,
    RedditMonitor,
    UptimeMonitor,
)
from support.feeds import REDDIT
from support.http_peer import redirect, reply, silent
from support.looking import Looker

if TYPE_CHECKING:
    from streamagents.monitors import Monitor
    from support.http_peer import HttpPeer


class Seen(Event, topic="seen", key="url"):
    url: str | None = None
    title: str | None = None
    text: str | None = None
    author: str | None = None
    published: str | None = None
    score: int | None = None
    points: int | None = None
    comments: int | None = None
    subreddit: str | None = None
    link: str | None = None
    state: str | None = None
    reason: str | None = None
    lasted_s: int | None = None
    before: str | None = None


def looker(peer: HttpPeer, monitor: Monitor) -> Looker:
    return Looker(monitor, private=[peer.host])


def told(event: Event) -> dict[str, Any]:
    return event.model_dump(exclude_none=True)


def as_json(value: Any) -> Any:
    return reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


# -- Reddit --------------------------------------------------------------------------------------

POST = {
    "name": "t3_1abcd",
    "title": "Is it?",
    "selftext": "Is it good?",
    "permalink": "/r/python/comments/1abcd/is_it/",
    "url": "https://elsewhere.example/",
    "author": "ann",
    "created_utc": 1762192800.0,
    "subreddit": "python",
    "score": 7,
    "num_comments": 2,
}
LISTING = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": POST}]}}


async def test_a_subreddit_is_read_as_json_and_as_a_feed_under_the_same_ids(
    peer: HttpPeer,
) -> None:
    peer.on("/r/python/new.json", as_json(LISTING))
    peer.on("/r/python/new.rss", reply(200, REDDIT.encode()))
    ids = []
    for via in ("json", "rss"):
        monitor = RedditMonitor(
            "r", subreddit="python", via=via, base=peer.url(""), to=Seen, first="all"
        )
        ctx = await looker(peer, monitor).look()
        ids += ctx.emitted_ids
        event = told(ctx.emitted[0])
        if via == "json":
            assert event == {
                "url": "https://www.reddit.com/r/python/comments/1abcd/is_it/",
                "title": "Is it?",
                "text": "Is it good?",
                "author": "ann",
                "published": "2025-11-03T18:00:00+00:00",
                "score": 7,
                "comments": 2,
                "subreddit": "python",
            }

    assert ids == ["r:t3_1abcd"] * 2
    assert peer.requests[0].path == "/r/python/new.json?limit=100"


async def test_a_search_within_a_subreddit_is_asked_for(peer: HttpPeer) -> None:
    peer.on("*", as_json(LISTING))
    searches: list[dict[str, Any]] = [
        {"search": "nord wind"},
        {"search": "a&b", "subreddit": "de+at"},
    ]
    for how in searches:
        monitor = RedditMonitor("r", via="json", base=peer.url(""), to=Seen, **how)
        await looker(peer, monitor).look()

    assert [asked.path for asked in peer.requests] == [
        "/search.json?q=nord+wind&sort=new&limit=100",
        "/r/de+at/search.json?q=a%26b&sort=new&limit=100&restrict_sr=1",
    ]


def logged_in(peer: HttpPeer) -> Looker:
    login = RedditLogin("app", SecretStr("hunter2"), peer.url("/api/v1/access_token"))
    monitor = RedditMonitor(
        "r", subreddit="python", login=login, base=peer.url(""), to=Seen, first="all"
    )
    return looker(peer, monitor)


async def test_with_credentials_the_api_is_asked_with_a_token_until_that_is_old(
    peer: HttpPeer,
) -> None:
    peer.on("/api/v1/access_token", as_json({"access_token": "tok", "expires_in": 3600}))
    peer.on("/r/python/new", as_json(LISTING))
    reddit = logged_in(peer)

    told = [await reddit.seen() for _ in range(5)]  # every quarter of an hour

    assert told[0] == ["r:t3_1abcd"]
    logins = [asked for asked in peer.requests if asked.method == "POST"]
    assert len(logins) == 2
    assert logins[0].headers["authorization"] == "Basic YXBwOmh1bnRlcjI="
    assert logins[0].body == b"grant_type=client_credentials"
    assert peer.requests[-1].headers["authorization"] == "Bearer tok"


@pytest.mark.parametrize(
    "answer", [reply(401), reply(200, b"{}"), reply(200, b"[]"), as_json({"access_token": "a\nb"})]
)
async def test_credentials_that_are_refused_fail_the_poll_and_are_not_shown(
    answer: Any, peer: HttpPeer
) -> None:
    peer.on("/api/v1/access_token", answer)
    reddit = logged_in(peer)
    ctx = await reddit.look()

    assert reddit.outcome == "failed"
    assert "hunter2" not in str(ctx.logs)


async def test_a_token_that_was_taken_back_is_asked_for_anew(peer: HttpPeer) -> None:
    peer.on("/api/v1/access_token", as_json({"access_token": "tok", "expires_in": 86_400}))
    peer.on("/r/python/new", reply(401))
    reddit = logged_in(peer)
    await reddit.look()
    peer.on("/r/python/new", as_json(LISTING))
    await reddit.look()

    assert reddit.outcomes == ["failed", "ok"]
    assert [asked.method for asked in peer.requests] == ["POST", "GET"] * 2


ODD = [[], {}, {"data": 7}, {"data": {"children": 7}}, "x"]


@pytest.mark.parametrize("answer", ODD)
async def test_a_listing_that_is_none_fails_the_poll(answer: Any, peer: HttpPeer) -> None:
    peer.on("*", as_json(answer))
    for monitor in (
        RedditMonitor("r", subreddit="a", via="json", base=peer.url(""), to=Seen),
        HackerNewsMonitor("h", query="a", base=peer.url(""), to=Seen),
    ):
        one = looker(peer, monitor)
        await one.look()
        assert one.outcome == "failed"


@pytest.mark.parametrize("odd", [7, None, [], {}, {"data": None}, {"data": {"name": ["x"]}}])
async def test_odd_entries_of_a_listing_are_left_out(odd: Any, peer: HttpPeer) -> None:
    peer.on("*", as_json({"data": {"children": [odd, LISTING["data"]["children"][0]]}}))  # type: ignore[index]
    monitor = RedditMonitor("r", subreddit="a", via="json", base=peer.url(""), to=Seen, first="all")

    assert await looker(peer, monitor).seen() == ["r:t3_1abcd"]


def test_reddit_needs_something_to_look_for() -> None:
    with pytest.raises(ConfigurationError, match="name a subreddit or a search"):
        RedditMonitor("r", to=Seen)


# -- Hacker News ---------------------------------------------------------------------------------

HITS = {
    "hits": [
        {
            "objectID": "42",
            "title": None,
            "story_title": "Ask HN: Nordwind?",
            "comment_text": "<p>I like it &amp; you?</p>",
            "author": "ann",
            "created_at": "2026-11-03T10:00:00Z",
            "created_at_i": 1793700000,
            "points": None,
        },
        {"objectID": "41", "title": "Nordwind", "url": "https://nordwind.example/", "points": 9,
         "num_comments": 3, "created_at": "2026-11-02T10:00:00Z"},
    ]
}  # fmt: skip


async def test_hacker_news_is_searched_by_date(peer: HttpPeer) -> None:
    peer.on("/api/v1/search_by_date", as_json(HITS))
    monitor = HackerNewsMonitor("hn", query="nord wind", base=peer.url(""), to=Seen, first="all")
    ctx = await looker(peer, monitor).look()

    assert ctx.emitted_ids == ["hn:41", "hn:42"]
    story, comment = map(told, ctx.emitted)
    assert story["link"] == "https://nordwind.example/"
    assert (story["points"], story["comments"]) == (9, 3)
    assert (comment["title"], comment["text"]) == ("Ask HN: Nordwind?", "I like it & you?")
    assert comment["url"] == "https://news.ycombinator.com/item?id=42"
    assert peer.requests[0].path == (
        "/api/v1/search_by_date?query=nord+wind&tags=(story,comment)&hitsPerPage=100"
    )


# -- pages ---------------------------------------------------------------------------------------

PRICES = (
    "<html><title>Prices</title><body><nav>{nav}</nav><main>"
    "<p>Small: {small}</p><p>Large: 20</p></main>"
)


async def test_a_page_that_changes_is_told_of_with_the_difference(peer: HttpPeer) -> None:
    page = looker(peer, PageMonitor("p", peer.url("/prices"), select="main", to=Seen))

    async def shows(small: int, nav: str = "") -> Any:
        peer.on("/prices", reply(200, PRICES.format(small=small, nav=nav).encode()))
        return await page.look()

    assert (await shows(5)).emitted == []
    assert (await shows(5, nav="another menu")).emitted == []
    ctx = await shows(6)
    assert told(ctx.emitted[0]) == {
        "url": peer.url("/prices"),
        "title": "Prices",
        "text": "- Small: 5\n+ Small: 6",
        "before": "Small: 5\nLarge: 20",
        "published": ctx.now().isoformat(),
    }
    back, again = (await shows(5)).emitted_ids, (await shows(6)).emitted_ids
    assert len({*ctx.emitted_ids, *back, *again}) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(200, b"<p>no such part"), "shows nothing where 'main' should be"),
        (reply(200, b""), "shows nothing"),
        (reply(200, b"\x89PNG", {"Content-Type": "image/png"}), "what is no text"),
        (reply(404), "answers with 404"),
    ],
)
async def test_a_page_that_loses_its_part_is_a_failure_and_no_change(
    answer: Any, words: str, peer: HttpPeer
) -> None:
    page = looker(peer, PageMonitor("p", peer.url("/prices"), select="main", to=Seen))
    before = reply(200, PRICES.format(small=5, nav="").encode())
    peer.on("/prices", before)
    await page.look()
    peer.on("/prices", answer)
    ctx = await page.look()
    peer.on("/prices", before)

    assert words in ctx.logs[-1]["error"]
    assert await page.seen() == []
    assert page.outcomes == ["unchanged", "failed", "unchanged"]


async def test_a_page_that_robots_forbid_is_not_asked_for(peer: HttpPeer) -> None:
    peer.on("/robots.txt", reply(200, b"User-agent: *\nDisallow: /prices\n"))
    page = looker(peer, PageMonitor("p", peer.url("/prices"), to=Seen))
    ctx = await page.look()

    assert "its robots.txt forbids it" in ctx.logs[-1]["error"]
    assert [asked.path for asked in peer.requests] == ["/robots.txt"]


# -- uptime --------------------------------------------------------------------------------------


def uptime(peer: HttpPeer, **how: Any) -> Looker:
    return looker(peer, UptimeMonitor("up", peer.url("/"), to=Seen, deadline_s=1, **how))


async def test_down_and_up_again_is_told_once_each_when_two_looks_agree(peer: HttpPeer) -> None:
    up = uptime(peer)
    seen: list[dict[str, Any]] = []
    for status in (200, 200, 500, 200, 500, 500, 500, 200, 500, 200, 200, 200):
        peer.on("/", reply(status))
        seen += map(told, await up.told())

    down, again = seen
    assert (down["state"], down["title"]) == ("down", f"{peer.host} is down")
    assert down["reason"] == "It answers with 500."
    assert (again["state"], again["lasted_s"]) == ("up", 360)
    assert set(up.outcomes) == {"ok", "unchanged"}


async def test_each_outage_has_an_id_of_its_own(peer: HttpPeer) -> None:
    up, ids = uptime(peer, confirm=1), []
    for status in (200, 500, 200, 500):
        peer.on("/", reply(status))
        ids += await up.seen()

    assert len(set(ids)) == len(ids) == 3
    assert [id_.split(":")[1] for id_ in ids] == ["down", "up", "down"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (silent(), "did not answer in full within 1 s"),
        (redirect("/"), "redirects once more"),
        (reply(503, b"", {"Retry-After": "3600"}), "answers with 503"),
        (reply(404), "answers with 404"),
        (reply(200, b"Account suspended"), "does not say 'Basket'"),
    ],
)
async def test_a_page_that_is_down_from_the_beginning_is_told_of(
    answer: Any, reason: str, peer: HttpPeer
) -> None:
    up = uptime(peer, contains="Basket")
    peer.on("/", answer)
    assert await up.told() == []
    (down,) = map(told, await up.told())

    assert down["state"] == "down"
    assert reason in down["reason"]


async def test_who_is_throttled_or_must_not_ask_knows_nothing(peer: HttpPeer) -> None:
    up = uptime(peer, confirm=1)
    peer.on("/", reply(429))
    await up.look()
    peer.on("/", redirect("http://10.0.0.1/"))
    await up.look(600)

    assert up.outcomes == ["throttled", "failed"]
    assert up.values.keys() == {"standing"}


async def test_a_page_that_says_what_it_should_is_up(peer: HttpPeer) -> None:
    up = uptime(peer, contains="Grüße", confirm=1)
    peer.on("/", reply(200, "Grüße".encode("latin-1")))

    assert await up.told() == []
    assert up.values["memory"]["state"] == "up"
