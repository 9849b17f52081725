"""What a reader of a page sees, however it is written."""

from __future__ import annotations

import time

import pytest

from streamagents.net.markup import text_of


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one<p>two", "one\ntwo"),
        ("<h1>Head</h1>a<br>b<hr/>c", "Head\na\nb\nc"),
        ("a <b>bold</b>, <i>it</i>al", "a bold, ital"),
        ("<div>\n  many \t\r\n spaces\xa0here </div>", "many spaces here"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<table><tr><td>a<td>b<tr><th>c</table>", "a b\nc"),
        ("a<!-- b -->c", "ac"),
        ("a<!-->b<!--->c", "abc"),
        ("a<!-- b --!>c", "ac"),
        ("a<!-- b", "a"),
        ("a<!-- > <p>b</p> -- > -->c", "ac"),
        ("<!DOCTYPE html>a<?php b ?>c", "ac"),
        ("a<script>b</script>c", "ac"),
        ("a<script>'</scriptx>' < b </SCRIPT >c", "ac"),
        ("a<script>b", "a"),
        ("a<style>b</style>c<noscript>d</noscript>e", "ace"),
        ("a<textarea><p>b</textarea>c", "ac"),
        ("a<iframe src=x>b</iframe>c", "ac"),
        ("a<template><p>b</p></template>c", "ac"),
        ("a<svg><title>b</title><text>c</text></svg>d", "ad"),
        ("a<svg/>b", "ab"),
        ("<nav><a>menu</a></nav>a", "a"),
        ("<NAV>x<nav>y</nav>z</NAV>a", "a"),
        ("<p hidden>a</p>b", "b"),
        ("<p HIDDEN=''>a<p>b", "b"),
        ("<div hidden>a<div>b</div>c</div>d", "d"),
        ("<div style='DISPLAY : none'>a</div>b", "b"),
        ("<div style='display&#58;none'>a</div>b", "b"),
        ('<div style="color:red;visibility:hidden">a</div>b', "b"),
        ("<div style='opacity:0'>a</div>b", "b"),
        ("<div style='opacity:0.5'>a</div>b", "a\nb"),
        ("<div style=font-size:0>a</div>b", "b"),
        ("<dialog>a</dialog><dialog open>b</dialog>", "b"),
        ("<input type=hidden value=a>b", "b"),
        ("<a title='>'>b</a>", "b"),
        ("<a title=\"a'>\" href='\"'>b</a>", "b"),
        ("<a title=it's>b</a>", "b"),
        ("<a title= >b</a>", "b"),
        ("<a = == / x=y>b</a>", "b"),
        ("<a title='>b", ""),
        ("<a title", ""),
        ("<p / hidden / >a</p>b", "b"),
        ("a < b > c", "a < b > c"),
        ("1 <2 </ x>3", "1 <2 3"),
        (
            "a &lt;script&gt; &amp;amp; &eacute; &#x41;&#66; &nosuch;",
            "a <script> &amp; é AB &nosuch;",
        ),
        ("a&#10;b", "a b"),
        (f"a&#{'1' * 5000};b", "a\ufffdb"),
        (f"a&#x{'f' * 5000};b", "a\ufffdb"),
        ("</p></div>a</body></html>b", "a\nb"),
        ("<b><i>a</b></i>", "a"),
        ("<p<p>a", "a"),
        ("<ünknown>a", "<ünknown>a"),
        ("<x-y z>a</x-y>", "a"),
    ],
)
def test_only_what_is_shown_is_read(page: str, text: str) -> None:
    assert text_of(page).text == text


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>A &amp; B\n c</title>", "A & B c"),
        ("<TITLE lang=en>A<b></TITLE><title>B</title>", "A<b>"),
        ("<svg><title>icon</title></svg><title>A</title>", "A"),
        ("<p>no title", ""),
        ("<title>never closed", "never closed"),
    ],
)
def test_a_page_has_one_title(page: str, title: str) -> None:
    assert text_of(page).title == title


@pytest.mark.parametrize(("tags", "cut"), [(99_000, False), (101_000, True)])
def test_a_page_of_nothing_but_markup_is_not_read_to_its_end(tags: int, cut: bool) -> None:  # noqa: FBT001 - a table's column
    shown = text_of("first" + "<b>" * tags + "last")

    assert (shown.text, shown.cut) == ("first" if cut else "firstlast", cut)


SIZE = 1 << 18


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a",
        "<a ",
        "<a b",
        "<a b ",
        "<a b=",
        "<a b='",
        '<a b="c',
        "<div>",
        "<a><b>",
        "<p><b></p>",
        "</x>",
        "<!--",
        "<!-- --",
        "<!",
        "<?",
        "</",
        "<script>",
        "<script></script",
        "<title>",
        "<nav>",
        "<p hidden>",
        "<svg/>",
        "&",
        "&#",
        "&#1",
        "&lt",
        "&ampamp",
        " ",
        "\n",
        "= ",
        "/ ",
        "<a " + "x" * 100 + "=",
        "<a style='" + "display:" * 10,
        "<table><tr><td>",
    ],
)
def test_no_page_takes_long(piece: str) -> None:
    for page in (piece * (SIZE // len(piece)), "<p " + piece * (SIZE // len(piece))):
        before_s = time.process_time()

        text_of(page)

        assert time.process_time() - before_s < 2  # about 0.1; what is not linear takes minutes
