"""Broken links: a site is crawled tick by tick, and what is broken is told of once."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from streamagents import Event
from streamagents.agents.state import MAX_STATE_BYTES
from streamagents.agents.values import dump
from streamagents.monitors import LinkMonitor
from streamagents.monitors.crawl import Crawl, Todo
from streamagents.monitors.reading import difference
from streamagents.monitors.sitemaps import sitemap_of
from streamagents.net import Reply
from support.http_peer import HttpPeer, endless, raw, redirect, reply
from support.looking import Looker

HTML = {"Content-Type": "text/html; charset=utf-8"}
NOW = datetime(2026, 11, 3, tzinfo=UTC)


class Broken(Event, topic="broken", key="url"):
    url: str
    broken: bool
    page: str | None = None
    anchor: str | None = None
    status: int | None = None
    error: str | None = None


def page(*hrefs: str) -> Any:
    links = "".join(f'<a href="{href}">to {href}</a>' for href in hrefs)
    return reply(200, f"<html><body>{links}</body></html>".encode(), HTML)


def looker(peer: HttpPeer, path: str = "/", **how: Any) -> Looker:
    monitor = LinkMonitor("links", peer.url(path), to=Broken, **how)
    return Looker(monitor, private=[peer.host])


async def rounds(links: Looker, ticks: int = 4) -> list[Broken]:
    return [
        event for _ in range(ticks) for event in await links.told() if isinstance(event, Broken)
    ]


async def test_a_broken_link_is_told_of_after_a_second_look_and_once(peer: HttpPeer) -> None:
    peer.on("/", page("/about", "/gone#part", "/gone"))
    peer.on("/about", page("/", "/gone"))
    links = looker(peer, round_s=600)

    assert await rounds(links, 1) == []
    assert await rounds(links, 5) == [
        Broken(
            url=peer.url("/gone"),
            broken=True,
            page=peer.url("/"),
            anchor="to /gone#part",
            status=404,
            error="It answers with 404.",
        )
    ]


async def test_a_link_that_works_again_is_told_of_and_may_break_once_more(peer: HttpPeer) -> None:
    peer.on("/", page("/shop"))
    links = looker(peer, round_s=600)
    told = []
    for status in (404, 200, 410):
        peer.on("/shop", reply(status, b"", HTML))
        told += await rounds(links, 6)

    assert [(one.broken, one.status) for one in told] == [(True, 404), (False, 200), (True, 410)]


async def test_a_hiccup_is_no_broken_link(peer: HttpPeer) -> None:
    peer.on("/", page("/shop"))
    peer.on("/shop", reply(502))
    links = looker(peer)
    await links.look()
    peer.on("/shop", reply(200))

    assert await rounds(links) == []


@pytest.mark.parametrize(
    ("answer", "broken"),
    [
        (reply(200), False),
        (redirect("/"), False),
        (reply(401), False),
        (reply(403), False),
        (reply(405), False),
        (reply(999), False),
        (reply(429), False),
        (reply(200, b"x" * 100_000), False),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n"), False),
        (reply(404), True),
        (reply(500), True),
        (redirect("/link"), True),
        (redirect("http://10.0.0.1/"), False),
        (raw(b"hello\r\n\r\n"), True),
    ],
)
async def test_what_counts_as_broken(answer: Any, broken: bool, peer: HttpPeer) -> None:  # noqa: FBT001 - a case
    async with HttpPeer() as other:
        other.on("/link", answer)
        other.on("/", reply(200))
        peer.on("/", page(other.url("/link")))
        links = Looker(
            LinkMonitor("links", peer.url("/"), to=Broken), private=[peer.host, other.host]
        )

        assert [one.broken for one in await rounds(links)] == [True] * broken


async def test_a_server_that_knows_no_head_is_asked_with_get(peer: HttpPeer) -> None:
    async def behave(asked: Any, writer: Any) -> None:
        await reply(200 if asked.method == "GET" else 404)(asked, writer)

    async with HttpPeer() as other:
        other.on("/", behave)
        peer.on("/", page(other.url("/")))
        links = Looker(
            LinkMonitor("links", peer.url("/"), to=Broken), private=[peer.host, other.host]
        )

        assert await rounds(links) == []
        assert [asked.method for asked in other.requests] == ["HEAD", "GET"]


async def test_private_addresses_and_odd_links_are_left_alone(peer: HttpPeer) -> None:
    odd = ["http://10.0.0.1/", "http://169.254.169.254/", "mailto:a@b.example", "javascript:x()"]
    odd += ["http://[", "//", "http://", "ftp://a.example/", "tel:1", "", "#top", "http://a:b@c/"]
    peer.on("/", page(*odd))
    links = looker(peer)

    assert await rounds(links) == []
    assert set(links.outcomes) == {"unchanged"}


async def test_sitemaps_and_their_indexes_are_read(peer: HttpPeer) -> None:
    def locs(kind: str, *paths: str) -> bytes:
        found = "".join(f"<x><loc> {peer.url(path)} </loc></x>" for path in paths)
        return (
            f'<{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{found}</{kind}>'.encode()
        )

    peer.on("/index.xml", reply(200, locs("sitemapindex", "/1.xml", "/2.xml.gz")))
    peer.on("/1.xml", reply(200, locs("urlset", "/a", "/gone")))
    peer.on("/2.xml.gz", reply(200, gzip.compress(locs("urlset", "/b"))))
    peer.on("/a", page("/b", "/c"))
    peer.on("/b", page())
    peer.on("/c", page())

    told = await rounds(looker(peer, "/index.xml"))

    assert [(one.url, one.page) for one in told] == [(peer.url("/gone"), peer.url("/1.xml"))]
    assert {asked.path for asked in peer.requests} >= {"/a", "/b", "/c", "/robots.txt"}


async def test_robots_are_obeyed(peer: HttpPeer) -> None:
    peer.on("/robots.txt", reply(200, b"User-agent: *\nDisallow: /private"))
    peer.on("/", page("/private/a"))
    await rounds(looker(peer))

    assert "/private/a" not in {asked.path for asked in peer.requests}


@pytest.mark.parametrize("answer", [reply(404), reply(500), redirect("http://10.0.0.1/")])
async def test_a_site_whose_beginning_cannot_be_read_is_a_failed_poll(
    answer: Any, peer: HttpPeer
) -> None:
    peer.on("/", answer)
    links = looker(peer)
    await links.look()
    assert links.outcome == "failed"
    peer.on("/", page("/gone"))

    assert len(await rounds(links)) == 1


async def test_a_crawl_goes_on_at_the_next_tick(peer: HttpPeer) -> None:
    peer.on("/", page(*(f"/{n}" for n in range(5))))
    peer.on("*", page())
    links = looker(peer, work_s=1)

    async def slowly(asked: Any, writer: Any) -> None:
        links.clock.advance(0.6)
        await page()(asked, writer)

    peer.on("*", slowly)
    peer.on("/robots.txt", reply(404))
    seen = []
    for _ in range(4):
        await links.look()
        seen.append(len({asked.path for asked in peer.requests} - {"/robots.txt"}))

    assert seen == [3, 5, 6, 6]


async def test_a_round_has_its_bounds(peer: HttpPeer) -> None:
    peer.on("/", page(*(f"/{n}" for n in range(50))))
    peer.on("*", page(*(f"/{n}" for n in range(50, 90))))
    links = looker(peer, pages=5, links=10)
    await rounds(links)

    asked = {one.path for one in peer.requests} - {"/robots.txt"}
    assert len(asked) == 1 + 5 + 10
    assert links.values["memory"]["cut"] > 30


async def test_what_a_round_left_out_is_told_once(peer: HttpPeer) -> None:
    peer.on("/", page(*(f"/{n}" for n in range(50))))
    peer.on("*", page())
    links = looker(peer, pages=5, links=10)
    with capture_logs() as logged:
        await rounds(links)

    (cut,) = (line for line in logged if line["event"] == "round_cut")
    assert (cut["monitor"], cut["left_out"]) == ("links", 35)


def test_what_a_crawl_keeps_fits_into_a_state_value() -> None:
    crawl = Crawl()
    crawl.begin_if_due("https://a.example/", NOW, 60)
    links = [
        Todo(url=f"https://a.example/{n}" + "ü" * 900, page="p" * 1000, anchor="ü" * 100)
        for n in range(20_000)
    ]
    crawl.found(links, pages=10_000, most=10_000)
    while crawl.todo:
        link = crawl.take(NOW)
        assert link is not None
        crawl.fails(link, NOW, "ü" * 1000, 404)
    assert len(dump(crawl.model_dump(mode="json"))) < MAX_STATE_BYTES
    told = 0
    while crawl.again:
        link = crawl.take(NOW + timedelta(seconds=1))
        assert link is not None
        told += crawl.fails(link, NOW, "ü" * 1000, 404) is not None

    assert told > 50
    assert len(dump(crawl.model_dump(mode="json"))) < MAX_STATE_BYTES


def found_on(number: int, most: int) -> list[Todo]:
    """The links of a page: so many that no page before it has named, every second to a page."""
    site = "https://shop.example/products"
    page, first = f"{site}/{number}.html", number * most
    return [
        Todo(url=f"{site}/{n}.html", page=page, anchor=f"No. {n}", read=n % 2 == 0)
        for n in range(first, first + most)
    ]


@pytest.mark.parametrize(
    ("pages", "links", "on_each"), [(200, 1000, 300), (200, 1000, 6), (10_000, 10_000, 2)]
)
def test_a_round_reaches_the_bounds_that_it_was_given(pages: int, links: int, on_each: int) -> None:
    crawl, looks, again, largest = Crawl(), 0, 0, 0
    crawl.begin_if_due("https://shop.example/", NOW, 60)
    while (link := crawl.take(now := NOW + timedelta(minutes=looks // 20))) is not None:
        looks += 1
        if link.since is not None:
            again += 1
        elif link.read and len(crawl.todo) < 1000:
            crawl.found(found_on(looks, on_each), pages=pages, most=links)
        if looks % 20 == 0:
            crawl.fails(link, now, "It answers with 404, and says no more than that.", 404)
        if looks % 2000 == 0:
            largest = max(largest, len(dump(crawl.model_dump(mode="json"))))

    assert looks - again == 1 + pages + links
    assert largest < MAX_STATE_BYTES


LONG_SITEMAP = b"<urlset>" + b"".join(
    b"<url><loc>https://a.example/%d</loc><changefreq>daily</changefreq>%s</url>" % (n, b" " * 120)
    for n in range(50_000)
)


def test_a_sitemap_that_is_text_begins_with_its_first_line() -> None:
    body = "\ufeffhttps://a.example/1\r\nhttps://a.example/2\r\n".encode()
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    text = Reply(status=200, headers=headers, body=body, url="https://a.example/map.txt")

    assert sitemap_of(text) == ["https://a.example/1", "https://a.example/2"]


def test_what_is_cut_off_in_a_long_packed_sitemap_is_no_address() -> None:
    long = b"<urlset>" + b"<url><loc>https://a.example/%s</loc>%s</url>" % (b"x" * 900, b" " * 9000)
    body = gzip.compress(long + b"<url><loc>https://a.example/wh" + b"o" * (8 << 20))
    packed = Reply(status=200, headers={}, body=body, url="https://a.example/map.xml.gz")

    assert [len(url) for url in sitemap_of(packed)] == [918]


async def test_a_large_sitemap_is_read_and_one_beyond_all_bounds_is_a_failed_poll(
    peer: HttpPeer,
) -> None:
    found = b"<urlset><url><loc>%s</loc></url>" % peer.url("/gone").encode()
    peer.on("/large.xml", reply(200, found + b" " * (3 << 20)))
    peer.on("/endless.xml", reply(200, found + b" " * (13 << 20)))
    links = looker(peer, "/endless.xml")
    await links.look()

    assert links.outcome == "failed"
    assert [one.url for one in await rounds(looker(peer, "/large.xml"))] == [peer.url("/gone")]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", 0),
        (b"<html><loc>https://a.example/</loc></html>", 0),
        (b"<urlset><url><loc>file:///etc/passwd</loc></url></urlset>", 0),
        (b"<urlset><url><loc>https://a.example/?a=1&b=2</loc></url>", 1),
        (b"<urlset><url><loc>https://a.example/" + b"x" * 2000 + b"</loc></url></urlset>", 0),
        (b"<urlset>" + b"<url><loc>https://a.example/1</loc></url>" * 9 + b"</urlset>", 1),
        (gzip.compress(b"x" * 50_000_000), 0),
        (gzip.compress(LONG_SITEMAP), 5000),
        (gzip.compress(LONG_SITEMAP)[:-5000], 5000),
        (
            (
                b'<urlset><url><loc>https://a.example/1</loc><loc xmlns="http://www.google.com/'
                b'schemas/sitemap-image/1.1">https://a.example/1.png</loc></url></urlset>'
            ),
            1,
        ),
        (b"\x1f\x8bnonsense", 0),
    ],
)
def test_a_sitemap_is_read_whatever_it_is(body: bytes, found: int) -> None:
    assert (
        len(sitemap_of(Reply(status=200, headers={}, body=body, url="https://a.example/"))) == found
    )


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb", "a\nc", "- b\n+ c"),
        ("a\na", "a", "- a"),
        ("", "a", "- \n+ a"),
        ("a\nb", "b\na", "The same lines, in another order."),
    ],
)
def test_a_difference_is_told_by_lines(before: str, after: str, lines: str) -> None:
    assert difference(before, after) == lines
