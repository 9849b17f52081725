"""Listings in JSON as Reddit and Hacker News write them, to items."""

from __future__ import annotations

import json
from typing import Any

from streamagents.monitors.hackernews import hits_of
from streamagents.monitors.reddit_posts import posts_of
from streamagents.net import Reply


def reply(answer: Any) -> Reply:
    return Reply(status=200, headers={}, body=json.dumps(answer).encode(), url="https://a.example")


def listing(*posts: dict[str, Any]) -> Reply:
    return reply({"data": {"children": [{"data": post} for post in posts]}})


def test_what_reddit_escapes_is_read_as_it_was_written() -> None:
    title, url = "A &amp; B &lt;3 &amp;lt;", "https://b.example/?a=1&amp;b=2"
    (post,) = posts_of(listing({"name": "t3_a", "title": title, "selftext": "&gt; x", "url": url}))

    assert (post.title, post.text) == ("A & B <3 &lt;", "> x")
    assert post.url == "https://b.example/?a=1&b=2"


def test_a_comment_has_the_title_of_its_post() -> None:
    comment = {"name": "t1_c", "body": "hi", "link_title": "Post", "permalink": "/r/x/c/"}
    (post,) = posts_of(listing(comment))

    assert (post.id, post.title, post.text) == ("t1_c", "Post", "hi")
    assert post.url == "https://www.reddit.com/r/x/c/"


def test_hits_without_an_id_are_not_taken_for_one() -> None:
    hits = [{"title": "a", "url": "https://a.example/1"}, {"title": "b"}]

    assert len({item.id for item in hits_of(reply({"hits": hits}))}) == 2
