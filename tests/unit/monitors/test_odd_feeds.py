"""Feeds as they lie about: cut, wrapped, in any encoding, with links that are halves."""

from __future__ import annotations

import pytest

from streamagents.monitors.feeds import items_of
from streamagents.net import Reply

HEAD = b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
TAIL = b"</channel></rss>"


def reply(body: bytes, content_type: str = "text/xml") -> Reply:
    headers = {"Content-Type": content_type}
    return Reply(status=200, headers=headers, body=body, url="https://feed.example/feed")


ITEM = "<item><title>Caf\u00e9</title><link>/1?a=1&amp;b=2</link><guid>g</guid></item>"
RSS = f"<rss><channel>{ITEM}</channel></rss>"


@pytest.mark.parametrize(
    "around",
    [
        "<br />\n<b>Warning</b>: foo() in <b>/x.php</b> on line <b>3</b><br />\n{}",
        "Notice: Undefined index in /x.php\n{}",
        '<?xml version="1.0"?><!DOCTYPE html><html><body>{}</body></html>',
        '<s:Envelope xmlns:s="http://schemas.example/soap"><s:Body>{}</s:Body></s:Envelope>',
        '{}<!-- <item> 0.2 s --><script src="x"></script>',
    ],
)
def test_a_feed_is_found_between_what_does_not_belong_to_it(around: str) -> None:
    for feed in (RSS, '<?xml version="1.0" encoding="UTF-8"?>\n' + RSS):
        (item,) = items_of(reply(around.format(feed).encode()))

        assert (item.id, item.title, item.url) == (
            "g",
            "Caf\u00e9",
            "https://feed.example/1?a=1&b=2",
        )


def test_a_feed_in_capitals_is_one() -> None:
    body = "<RSS><CHANNEL><ITEM><TITLE>T</TITLE><LINK>http://a.example/1</LINK></ITEM></CHANNEL>"
    (item,) = items_of(reply(body.encode()))

    assert (item.title, item.url) == ("T", "http://a.example/1")


def test_what_is_called_an_item_within_an_item_is_none() -> None:
    inside = '<content:items><content:item rdf:about="x"/></content:items>'
    body = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        f'xmlns="http://purl.org/rss/1.0/"><item rdf:about="urn:1">{inside}</item></rdf:RDF>'
    )

    assert [item.id for item in items_of(reply(body.encode()))] == ["urn:1"]


@pytest.mark.parametrize("broken", [b"caf\xc3", b"\xa9", b"\xff\xfe"])
def test_a_broken_byte_breaks_nothing_but_its_character(broken: bytes) -> None:
    body = HEAD + "<item><title>Déjà vu, für Öl: größer</title><guid>1</guid><author>".encode()
    body += broken + b"</author></item>" + TAIL

    for content_type in ("text/xml", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"):
        assert items_of(reply(body, content_type))[0].title == "Déjà vu, für Öl: größer"


@pytest.mark.parametrize(
    ("encoding", "python", "text"),
    [
        ("Shift_JIS", "cp932", "①髙橋のニュース"),
        ("x-sjis", "cp932", "ニュース"),
        ("ISO-2022-JP", "iso2022_jp", "日本語のニュース"),
        ("EUC-JP", "euc_jp", "日本語"),
        ("EUC-KR", "cp949", "똠방각하"),
        ("gb2312", "gb18030", "朱镕基 €"),
        ("Big5", "big5hkscs", "中文 嘅"),
        ("windows-874", "cp874", "ภาษาไทย"),
        ("TIS-620", "cp874", "ภาษาไทย"),
        ("iso-8859-9", "cp1254", "kaş “€”"),
        ("koi8-r", "koi8_r", "Привет"),
    ],
)
def test_the_encodings_of_the_world_are_read_as_browsers_read_them(
    encoding: str, python: str, text: str
) -> None:
    feed = f"<rss><item><title>{text}</title><guid>1</guid></item></rss>"
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{feed}'.encode(python)

    assert items_of(reply(declared, ""))[0].title == text
    assert items_of(reply(feed.encode(python), f"text/xml; charset={encoding}"))[0].title == text


def test_one_wrong_byte_does_not_turn_a_declared_encoding_into_another() -> None:
    feed = '<?xml version="1.0" encoding="EUC-JP"?><rss><item><title>日本語</title></item></rss>'
    body = feed.encode("euc_jp").replace(b"</rss>", b"<x>\xff</x></rss>")

    assert items_of(reply(body, ""))[0].title == "日本語"


ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"{base}><entry{own}>{parts}</entry></feed>'


@pytest.mark.parametrize(
    ("base", "own", "parts", "url"),
    [
        ("", "", '<link href="/a"/>', "https://feed.example/a"),
        (' xml:base="#top"', "", '<link href="/a"/>', "https://feed.example/a"),
        (' xml:base="/news/"', "", '<link href="a"/>', "https://feed.example/news/a"),
        (
            ' xml:base="https://b.example/x/"',
            ' xml:base="y/"',
            '<link xml:base="z/" href="a"/>',
            "https://b.example/x/y/z/a",
        ),
        ("", "", "<id>https://feed.example/a</id>", "https://feed.example/a"),
        ("", "", "<id>urn:1</id>", ""),
        (
            "",
            "",
            '<link rel="http://www.iana.org/assignments/relation/alternate" href="/a"/>',
            "https://feed.example/a",
        ),
        (
            "",
            "",
            '<id>https://feed.example/a</id><link rel="self" href="/b"/>',
            "https://feed.example/a",
        ),
    ],
)
def test_a_link_is_made_whole(base: str, own: str, parts: str, url: str) -> None:
    if base and not own:
        own = base if base.startswith(' xml:base="#') else own
    body = ATOM.format(base=base, own=own, parts=parts + "<title>t</title>")

    assert items_of(reply(body.encode()))[0].url == url


def test_a_link_of_a_json_feed_is_made_whole() -> None:
    body = b'{"items": [{"id": 1, "url": "/a"}, {"id": 2}]}'

    assert [item.url for item in items_of(reply(body))] == ["https://feed.example/a", ""]


@pytest.mark.parametrize("name", ["issued", "created", "modified"])
def test_a_date_of_dublin_core_is_one(name: str) -> None:
    body = f"<rss><item><dcterms:{name}>2026-11-03</dcterms:{name}><guid>1</guid></item></rss>"
    body = body.replace("<rss", '<rss xmlns:dcterms="http://purl.org/dc/terms/"')

    assert items_of(reply(body.encode()))[0].data()["published"] == "2026-11-03T00:00:00+00:00"


@pytest.mark.parametrize(
    ("parts", "title", "author"),
    [
        ("<dc:title>T</dc:title><dc:author>Ann</dc:author>", "T", "Ann"),
        (
            "<title>&#X41;</title><author><email>ann@a.example</email></author>",
            "A",
            "ann@a.example",
        ),
        ("<title>t</title><author><name> </name><email>a@b</email></author>", "t", "a@b"),
    ],
)
def test_parts_under_their_other_names_are_read(parts: str, title: str, author: str) -> None:
    body = f'<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><item>{parts}</item></rss>'
    (item,) = items_of(reply(body.encode()))

    assert (item.title, item.author) == (title, author)
