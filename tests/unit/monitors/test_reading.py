"""Pages, and what reading them takes."""

from __future__ import annotations

from time import process_time

import pytest

from streamagents.monitors.reading import Link, links_on, seen_on
from streamagents.monitors.selector import Selector
from streamagents.net import Reply

URL = "https://a.example/dir/page"


def page(body: bytes, content_type: str = "text/html") -> Reply:
    return Reply(status=200, headers={"Content-Type": content_type}, body=body, url=URL)


def test_links_are_read_as_a_browser_reads_them() -> None:
    body = (
        b"<base href='/base/'><a href='x'>one <b>two</b></a><a href='#top'>top</a>"
        b"<a href='//b.example/y?a=1&b=2&amp;c=3'> spaces </a><a name=anchor>none</a>"
        b"<a href=' x '>twice</a><a href='mailto:a@b.example'>mail</a><a href='/z#part'>z</a>"
    )

    assert links_on(page(body), 10) == [
        Link("https://a.example/base/x", "one two"),
        Link("https://a.example/base/", "top"),
        Link("https://b.example/y?a=1&b=2&c=3", "spaces"),
        Link("https://a.example/z", "z"),
    ]
    assert len(links_on(page(body), 2)) == 2


@pytest.mark.parametrize("body", [b"", b" ", b"\0", b"<", b"<!--", b"plain", b"\xff\xfe"])
def test_odd_pages_have_no_links(body: bytes) -> None:
    assert links_on(page(body), 10) == []


def test_what_nobody_sees_is_no_part_of_a_page() -> None:
    body = "<main>Grüße<script>x()</script><p hidden>no</p>\x07</main>".encode("latin-1")

    assert seen_on(page(body), Selector("main")).text == "Grüße"
    assert seen_on(page(body), None).text == "Grüße"


UNITS = {
    "links": b"<a href=x>",
    "many links": b'<a href="/%d">x</a>',
    "depth": b"<div>",
    "paragraphs": b"<p>",
    "tables": b"<table><tr><td>",
    "angles": b"<",
    "references": b"&amp;",
    "comments": b"<!--",
    "attributes": b"<p a='",
    "formatting": b"<b><i><p>",
    "zeros": b"\0",
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_no_page_takes_long_to_read(unit: bytes) -> None:
    body = b"<html><body>" + unit * ((2 << 20) // len(unit))
    began = process_time()
    links_on(page(body), 2000)
    seen_on(page(body), Selector("main p, div > p"))

    assert process_time() - began < 20  # what is quadratic takes minutes
