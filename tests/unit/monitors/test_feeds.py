"""Feeds as they are written out there, to items."""

from __future__ import annotations

from contextlib import suppress
from time import process_time

import feedparser
import pytest

from streamagents.errors import PollError
from streamagents.monitors.feeds import MOST_ITEMS, items_of
from streamagents.net import Reply
from support.feeds import SHAPES, WORDPRESS, Shape

HEAD = b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
TAIL = b"</channel></rss>"


def reply(body: bytes, content_type: str = "text/xml") -> Reply:
    headers = {"Content-Type": content_type}
    return Reply(status=200, headers=headers, body=body, url="https://feed.example/feed?key=secret")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_feed_is_read(shape: Shape) -> None:
    items = items_of(reply(shape.body, shape.content_type))

    assert tuple(item.id for item in items) == shape.ids
    first = items[0]
    assert (first.title, first.url, first.author) == (shape.title, shape.url, shape.author)
    assert first.text == shape.text
    assert first.data()["published"] == shape.published


OURS_ALONE = {"JSON Feed", "no title, link or id", "sloppy", "FeedBurner"}
"""What feedparser does not read, or reads otherwise: it leads to FeedBurner, which is gone."""


@pytest.mark.parametrize(
    "shape",
    [shape for shape in SHAPES if shape.name not in OURS_ALONE],
    ids=lambda shape: shape.name,
)
def test_feedparser_reads_the_same(shape: Shape) -> None:
    theirs = feedparser.parse(shape.body, resolve_relative_uris=shape.name == "Atom")
    ours = items_of(reply(shape.body, shape.content_type))

    assert [entry.get("id") or entry.get("link") for entry in theirs.entries] == list(shape.ids)
    assert [entry.get("link", "") for entry in theirs.entries] == [item.url for item in ours]


ENCODED = WORDPRESS.replace("Bea", "Beä “Ü”").replace("&#8217;", "\u2019")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ENCODED.encode(), "text/xml; charset=iso-8859-1"),
        (ENCODED.encode("utf-8-sig"), "text/xml"),
        (ENCODED.encode("utf-16"), "text/xml"),
        (ENCODED.encode("utf-16-le"), "text/xml; charset=utf-8"),
        (ENCODED.encode("utf-16-be"), ""),
        (ENCODED.encode("cp1252"), "text/xml; charset=utf-8"),
        (ENCODED.replace("UTF-8", "windows-1252").encode("cp1252"), ""),
        (ENCODED.replace(' encoding="UTF-8"', "").encode(), "text/html"),
        (ENCODED.replace('<?xml version="1.0" encoding="UTF-8"?>', "\n ").encode(), ""),
        (ENCODED.encode("cp1252"), "text/xml; charset=base64"),
    ],
    ids=[
        "a wrong header", "BOM", "UTF-16", "UTF-16 without BOM", "UTF-16, the other one",
        "windows-1252 said to be UTF-8", "declared", "undeclared", "no declaration", "no charset",
    ],
)  # fmt: skip
def test_any_encoding_is_read(body: bytes, content_type: str) -> None:
    (item,) = items_of(reply(body, content_type))

    assert (item.author, item.title) == ("Beä “Ü”", "We\u2019ve cut prices & more")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "answers with nothing"),
        (b" \n\t", "answers with nothing"),
        (b"\xef\xbb\xbf", "answers with nothing"),
        (b"<!doctype html><html><body><h1>Log in</h1></body></html>", "answers with HTML"),
        (b"<html", "answers with HTML"),
        (b"<p>hello</p>", "answers with something else"),
        (b"Service unavailable", "answers with something else"),
        (b"<?xml version='1.0'?>", "answers with something else"),
        (b"<opml/>", "answers with something else"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "answers with something else"),
        (b"{", "answers with JSON that cannot be read"),
        (b'{"items": 7}', "answers with JSON that is no feed"),
        (b"{}", "answers with JSON that is no feed"),
        (b'{"a":' + b"[" * 100_000, "answers with JSON that cannot be read"),
    ],
)
def test_what_is_no_feed_is_told_in_words(body: bytes, words: str) -> None:
    with pytest.raises(PollError, match=f"feed.example {words}") as told:
        items_of(reply(body))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "half", ["&#xD800;", "&#XdFff;", "&#x0dABC;", "&#55296;", "&#056789;", "&#57343;", "&#57299;"]
)
def test_half_a_character_is_left_out(half: str) -> None:
    body = f"<rss><item><guid>1</guid><title>a{half}b&#55295;&#57344;</title></item></rss>"

    assert [item.title for item in items_of(reply(body.encode()))] == ["ab\ud7ff\ue000"]


def test_a_feed_without_items_is_one() -> None:
    assert items_of(reply(HEAD + TAIL)) == []
    assert items_of(reply(b'{"items": []}')) == []


def test_a_cut_feed_is_read_as_far_as_its_items_are_whole() -> None:
    whole = HEAD + b"<item><guid>1</guid></item><item><guid>2&#50;</guid><title>two</title></item>"

    assert [item.id for item in items_of(reply(whole))] == ["1", "22"]
    for end in range(whole.index(b"<item><guid>2"), len(whole) - len(b"</item>")):
        assert [item.id for item in items_of(reply(whole[:end]))] == ["1"]


def test_no_entity_is_expanded_and_nothing_is_read_from_elsewhere() -> None:
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1)) * 10 if n else b"lol") for n in range(12)
    )
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE r ['
        + laughs
        + b'<!ENTITY file SYSTEM "file:///etc/passwd">]><rss><channel><item><guid>1</guid>'
        b"<title>a &l11; b &file; c</title></item></channel></rss>"
    )

    (item,) = items_of(reply(bomb))

    assert (item.id, len(item.title) < 30, "root" in item.title) == ("1", True, False)


def test_odd_items_are_cleaned_and_cut() -> None:
    body = (
        HEAD
        + b"<item><guid>" + b"i" * 1_000_000 + b"</guid><title>" + b"t" * 1_000_000 + b"</title>"
        b"<link>http://a.example/" + b"l" * 5000 + b"</link>"
        b"<pubDate>the day before yesterday</pubDate></item>"
        b"<item><guid>2</guid><title>a&#0;b&#x1f;c\x07d\n e&#xFFFF;</title>"
        b"<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate></item>"
        b"<item><guid>3</guid><pubDate>2099-12-31</pubDate></item><item></item>"
        + TAIL
    )  # fmt: skip

    long, odd, late, empty = items_of(reply(body))

    assert (len(long.id), len(long.title), long.url, long.published) == (39, 300, "", None)
    assert odd.title == "abcd e"
    assert odd.data()["published"] == "1970-01-01T00:00:00+00:00"
    assert late.data()["published"] == "2099-12-31T00:00:00+00:00"
    assert empty.id == ""


@pytest.mark.parametrize(
    ("minutes", "kept"), [(range(2500, 0, -1), range(2000)), (range(2500), range(500, 2500))]
)
def test_of_a_very_long_feed_the_newer_end_is_read(minutes: range, kept: range) -> None:
    dates = [f"2026-01-0{1 + n // 1440}T{n // 60 % 24:02}:{n % 60:02}:00Z" for n in minutes]
    body = HEAD.decode() + "".join(
        f"<item><guid>{n}</guid><pubDate>{date}</pubDate></item>" for n, date in enumerate(dates)
    )

    assert [item.id for item in items_of(reply(body.encode()))] == [str(n) for n in kept]
    assert len(kept) == MOST_ITEMS


UNITS = {
    "items": b"<item/>",
    "open items": b"<item>",
    "full items": b"<item><title>a</title><link>b</link><guid>c</guid></item>",
    "depth": b"<a>",
    "angles": b"<",
    "ampersands": b"&",
    "references": b"&#x41;",
    "names": b"&nbsp;",
    "open CDATA": b"<![CDATA[",
    "CDATA": b"<![CDATA[]]>",
    "comments": b"<!--",
    "instructions": b"<?",
    "doctypes": b"<!DOCTYPE ",
    "attributes": b'<item a="b" c="',
    "addresses": b"<item><author>a.a.a.a.a.a.a.a",
    "escaped markup": b"<item><description>&lt;div&gt;&lt;p",
    "xhtml": b"<item><content><div>",
    "declarations": b"<?xml version='1.0'",
    "zeros": b"\0<",
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_no_feed_takes_long_to_read(unit: bytes) -> None:
    body = HEAD + unit * ((4 << 20) // len(unit))
    began = process_time()
    with suppress(PollError):
        items_of(reply(body))
    assert process_time() - began < 10  # a quadratic reader takes minutes
