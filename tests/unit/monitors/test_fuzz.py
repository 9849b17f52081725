"""Whatever comes over the wire, readers answer with items or with a sentence."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamagents.errors import PollError
from streamagents.monitors.feeds import items_of
from streamagents.monitors.hackernews import hits_of
from streamagents.monitors.reading import links_on, seen_on
from streamagents.monitors.reddit_posts import posts_of
from streamagents.monitors.selector import Selector
from streamagents.monitors.sitemaps import sitemap_of
from streamagents.net import Reply
from support.feeds import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable

LISTINGS = (
    b'{"hits": [{"objectID": "1", "title": "a", "created_at_i": 7, "points": 1}]}',
    b'{"data": {"children": [{"data": {"name": "t3_a", "permalink": "/x", "created_utc": 7}}]}}',
    b"<urlset><url><loc>https://a.example/</loc></url></urlset>",
)
SCRAPS = (b"<", b">", b"&", b"]]>", b"<![CDATA[", b"\0", b"\xff", b'"', b"&#xD800;", b"9" * 40,
          b"{", b"[", b"null", b"-1", b"\\ud800", b"<item>", b"</item>", b"xml:base='http://['",
          b"http://[", b"\xfe\xff")  # fmt: skip
READERS: tuple[Callable[[Reply], Any], ...] = (
    items_of,
    hits_of,
    posts_of,
    sitemap_of,
    lambda reply: links_on(reply, 100),
    lambda reply: seen_on(reply, Selector("item > title, p")),
)


def _mangled(body: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, scrap in cuts:
        body = body[:at] + scrap + body[at + length :]
    return body


wire = st.builds(
    _mangled,
    st.sampled_from([shape.body for shape in SHAPES] + [*LISTINGS]),
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 60), st.sampled_from([b"", *SCRAPS])),
        max_size=6,
    ),
)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@settings(max_examples=150, deadline=None)
@given(body=wire, kind=st.sampled_from(["", "text/html", "text/xml; charset=x", "text/plain"]))
def test_nothing_breaks_a_reader(read: Callable[[Reply], Any], body: bytes, kind: str) -> None:
    reply = Reply(
        status=200, headers={"Content-Type": kind}, body=body, url="https://a.example/feed"
    )
    with suppress(PollError):
        found = read(reply)
        for item in found if isinstance(found, list) else []:
            str(getattr(item, "data", str)()).encode()  # it can be written
