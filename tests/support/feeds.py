"""Feeds as the programs of the world write them, shortened: what stands in them, and what is read.

Written by hand after the programs' own output; hosts are reserved names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A feed, and what is to be read of its items."""

    name: str
    body: bytes
    content_type: str = "application/xml"
    ids: tuple[str, ...]
    title: str
    url: str
    published: str | None = None
    author: str = ""
    text: str = ""


RSS_091 = """<?xml version="1.0"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"
  "http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><title>WriteTheWeb</title><link>http://write.example</link>
<item><title>Giving the world a pluggable Gnutella</title>
<link>http://write.example/read.php?item=24</link>
<description>WorldOS is a framework &eacute;labor&eacute;.</description></item>
<item><title>Syndication discussions hot up</title>
<link>http://write.example/read.php?item=23</link></item>
</channel></rss>"""

RSS_10 = """<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="http://slash.example/"><title>Slash</title><items><rdf:Seq>
<rdf:li rdf:resource="http://slash.example/1"/></rdf:Seq></items></channel>
<item rdf:about="http://slash.example/1"><title>News for nerds</title>
<link>http://slash.example/1?from=rss</link><dc:creator>pudge</dc:creator>
<dc:date>2026-02-03T04:05:06+01:00</dc:date><description>Stuff that matters.</description></item>
</rdf:RDF>"""

WORDPRESS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:slash="http://purl.org/rss/1.0/modules/slash/">
<channel><title>Betasoft</title>
<atom:link href="https://beta.example/feed/" rel="self" type="application/rss+xml" />
<item><title>We&#8217;ve cut prices &#038; more</title>
<link>https://beta.example/prices/?utm_source=rss&#038;utm_medium=feed</link>
<comments>https://beta.example/prices/#respond</comments>
<dc:creator><![CDATA[Bea]]></dc:creator><pubDate>Mon, 02 Nov 2026 09:30:00 +0000</pubDate>
<category><![CDATA[News]]></category>
<guid isPermaLink="false">https://beta.example/?p=4711</guid>
<description><![CDATA[<p>Short [&#8230;]</p>]]></description>
<content:encoded><![CDATA[<p>All <b>plans</b> are cheaper.</p>
<script>x()</script>]]></content:encoded>
<slash:comments>3</slash:comments></item></channel></rss>"""

PODCAST = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Talk</title><itunes:author>Talk Media</itunes:author>
<item><itunes:title>Only on iTunes</itunes:title><title>12: Kafka at night</title>
<itunes:author>Ann &amp; Bob</itunes:author><itunes:summary>Two talk.</itunes:summary>
<enclosure url="https://cdn.example/12.mp3" length="1" type="audio/mpeg"/>
<guid isPermaLink="false">ep-12</guid><pubDate>Tue, 3 Nov 2026 05:00:00 GMT</pubDate>
<itunes:duration>01:02:03</itunes:duration></item></channel></rss>"""

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://atom.example/blog/">
<title>Example</title><link rel="self" href="/feed"/><id>urn:uuid:60a76c80</id>
<updated>2026-11-03T18:30:02Z</updated>
<entry><title type="html">Robots &amp;amp; &lt;b&gt;us&lt;/b&gt;</title>
<link rel="enclosure" href="big.zip"/><link href="robots.html"/>
<id>urn:uuid:1225c695</id><updated>2026-11-03T18:30:02Z</updated>
<published>2026-11-01T10:00:00.123-05:00</published>
<author><name>Jo</name><email>jo@atom.example</email></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <i>you</i></p></div>
</content></entry></feed>"""

YOUTUBE = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns="http://www.w3.org/2005/Atom"><title>Channel</title>
<entry><id>yt:video:abc123</id><yt:videoId>abc123</yt:videoId><title>A demo</title>
<link rel="alternate" href="https://video.example/watch?v=abc123"/>
<author><name>Betasoft</name><uri>https://video.example/c</uri></author>
<published>2026-10-30T16:00:06+00:00</published><updated>2026-10-31T00:00:00+00:00</updated>
<media:group><media:title>A demo!</media:title><media:description>We show it.</media:description>
</media:group></entry></feed>"""

REDDIT = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
<category term="python" label="r/python"/><updated>2026-11-03T18:30:02+00:00</updated>
<entry><author><name>/u/ann</name><uri>https://reddit.example/user/ann</uri></author>
<category term="python" label="r/python"/>
<content type="html">&lt;!-- SC_OFF --&gt;&lt;div class="md"&gt;&lt;p&gt;Is it good?&lt;/p&gt;
&lt;/div&gt;</content><id>t3_1abcd</id>
<link href="https://reddit.example/r/python/comments/1abcd/is_it/"/>
<updated>2026-11-03T18:00:00+00:00</updated><published>2026-11-03T18:00:00+00:00</published>
<title>Is it?</title></entry></feed>"""

MASTODON = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:webfeeds="http://webfeeds.org/rss/1.0"
 xmlns:media="http://search.yahoo.com/mrss/"><channel><title>ann</title>
<item><guid isPermaLink="true">https://social.example/@ann/1</guid>
<link>https://social.example/@ann/1</link><pubDate>Sun, 01 Nov 2026 12:00:00 +0000</pubDate>
<description>&lt;p&gt;Nordwind is down again&lt;br&gt;really&lt;/p&gt;</description>
<media:content url="https://cdn.example/x.png" type="image/png">
<media:description type="plain">a picture</media:description></media:content></item>
</channel></rss>"""

ARXIV = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom" version="2.0"><channel>
<title>cs.DC updates</title><skipDays><day>Sunday</day></skipDays>
<item><title>Exactly once,
 measured</title><link>https://arxiv.example/abs/2611.00001</link>
<description>arXiv:2611.00001v1 Announce Type: new
Abstract: If $a &lt; b$, then.</description>
<guid isPermaLink="false">oai:arXiv.org:2611.00001v1</guid><category>cs.DC</category>
<pubDate>Mon, 02 Nov 2026 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:creator>A. Author, B. Author</dc:creator></item></channel></rss>"""

GITHUB = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-US"><id>tag:git.example,2008:releases</id>
<entry><id>tag:git.example,2008:Repository/1/v1.2</id><updated>2026-11-02T10:11:12Z</updated>
<link rel="alternate" type="text/html" href="https://git.example/a/b/releases/tag/v1.2"/>
<title>v1.2</title><content type="html">&lt;ul&gt;&lt;li&gt;Faster&lt;/li&gt;&lt;/ul&gt;</content>
<author><name>ann</name></author></entry></feed>"""

ATOM_03 = """<?xml version="1.0" encoding="iso-8859-1"?>
<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Old</title>
<entry><title>Gr\xfc\xdfe</title><link rel="alternate" type="text/html" href="http://old.example/1"/>
<id>tag:old.example,2004:1</id><issued>2004-05-06T07:08:09Z</issued>
<modified>2004-05-07T07:08:09Z</modified><summary>Caf\xe9</summary></entry></feed>"""

BARE = """<rss version="2.0"><channel>
<item><description>Without a title, a link or an id, &quot;status 7&quot;.</description></item>
</channel></rss>"""

SLOPPY = """

<?xml version='1.0' encoding='utf-8'?>
<rss version="2.0"><channel><title>Q&A</title>
<item><title>Fish & Chips &nbsp; 5 < 6</title><link>
  http://sloppy.example/fish?a=1&b=2
</link><guid>7</guid><pubDate>02 Nov 26 10:00 UT</pubDate>
<description>never closed <br> <foo:bar>x</foo:bar></description></item>
<item><title>Second</title><link>/second</link><guid>8</guid></item>
</channel>"""

JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [
{"id": 2, "url": "https://json.example/2", "title": "Two", "content_html": "<p>Hi <b>there</b>",
 "date_published": "2026-11-02T10:00:00+02:00", "authors": [{"name": "Kim"}], "tags": ["a"]},
{"id": "1", "external_url": "https://json.example/1", "content_text": "One"}]}"""

FEEDBURNER = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" version="2.0"><channel>
<item><title>Moved</title><link>http://burner.example/~r/x/~3/abc/</link>
<guid>http://blog.example/moved</guid><author>kim@blog.example (Kim)</author>
<feedburner:origLink>http://blog.example/moved</feedburner:origLink></item></channel></rss>"""

SHAPES = (
    Shape(
        name="RSS 0.91",
        body=RSS_091.encode(),
        ids=("http://write.example/read.php?item=24", "http://write.example/read.php?item=23"),
        title="Giving the world a pluggable Gnutella",
        url="http://write.example/read.php?item=24",
        text="WorldOS is a framework élaboré.",
    ),
    Shape(
        name="RSS 1.0",
        body=RSS_10.encode(),
        ids=("http://slash.example/1",),
        title="News for nerds",
        url="http://slash.example/1?from=rss",
        published="2026-02-03T03:05:06+00:00",
        author="pudge",
        text="Stuff that matters.",
    ),
    Shape(
        name="WordPress",
        body=WORDPRESS.encode(),
        content_type="application/rss+xml; charset=UTF-8",
        ids=("https://beta.example/?p=4711",),
        title="We\u2019ve cut prices & more",
        url="https://beta.example/prices/?utm_source=rss&utm_medium=feed",
        published="2026-11-02T09:30:00+00:00",
        author="Bea",
        text="All plans are cheaper.",
    ),
    Shape(
        name="podcast",
        body=PODCAST.encode(),
        ids=("ep-12",),
        title="12: Kafka at night",
        url="",
        published="2026-11-03T05:00:00+00:00",
        author="Ann & Bob",
        text="Two talk.",
    ),
    Shape(
        name="Atom",
        body=ATOM.encode(),
        content_type="application/atom+xml",
        ids=("urn:uuid:1225c695",),
        title="Robots & us",
        url="https://atom.example/blog/robots.html",
        published="2026-11-01T15:00:00+00:00",
        author="Jo",
        text="Hello you",
    ),
    Shape(
        name="YouTube",
        body=YOUTUBE.encode(),
        ids=("yt:video:abc123",),
        title="A demo",
        url="https://video.example/watch?v=abc123",
        published="2026-10-30T16:00:06+00:00",
        author="Betasoft",
        text="We show it.",
    ),
    Shape(
        name="Reddit",
        body=REDDIT.encode(),
        ids=("t3_1abcd",),
        title="Is it?",
        url="https://reddit.example/r/python/comments/1abcd/is_it/",
        published="2026-11-03T18:00:00+00:00",
        author="/u/ann",
        text="Is it good?",
    ),
    Shape(
        name="Mastodon",
        body=MASTODON.encode(),
        ids=("https://social.example/@ann/1",),
        title="",
        url="https://social.example/@ann/1",
        published="2026-11-01T12:00:00+00:00",
        text="Nordwind is down again\nreally",
    ),
    Shape(
        name="arXiv",
        body=ARXIV.encode(),
        ids=("oai:arXiv.org:2611.00001v1",),
        title="Exactly once, measured",
        url="https://arxiv.example/abs/2611.00001",
        published="2026-11-02T05:00:00+00:00",
        author="A. Author, B. Author",
        text="arXiv:2611.00001v1 Announce Type: new Abstract: If $a < b$, then.",
    ),
    Shape(
        name="GitHub releases",
        body=GITHUB.encode(),
        ids=("tag:git.example,2008:Repository/1/v1.2",),
        title="v1.2",
        url="https://git.example/a/b/releases/tag/v1.2",
        published="2026-11-02T10:11:12+00:00",
        author="ann",
        text="Faster",
    ),
    Shape(
        name="Atom 0.3 in Latin-1",
        body=ATOM_03.encode("latin-1"),
        ids=("tag:old.example,2004:1",),
        title="Grüße",
        url="http://old.example/1",
        published="2004-05-06T07:08:09+00:00",
        text="Café",
    ),
    Shape(
        name="no title, link or id",
        body=BARE.encode(),
        ids=("digest-92a76f12ccd5ecd66112449f218e30f9",),
        title="",
        url="",
        text='Without a title, a link or an id, "status 7".',
    ),
    Shape(
        name="sloppy",
        body=SLOPPY.encode(),
        ids=("7", "8"),
        title="Fish & Chips 5 < 6",
        url="http://sloppy.example/fish?a=1&b=2",
        published="2026-11-02T10:00:00+00:00",
        text="never closed\nx",
    ),
    Shape(
        name="JSON Feed",
        body=JSON_FEED.encode(),
        content_type="application/feed+json",
        ids=("2", "1"),
        title="Two",
        url="https://json.example/2",
        published="2026-11-02T08:00:00+00:00",
        author="Kim",
        text="Hi there",
    ),
    Shape(
        name="FeedBurner",
        body=FEEDBURNER.encode(),
        ids=("http://blog.example/moved",),
        title="Moved",
        url="http://blog.example/moved",
        author="kim@blog.example (Kim)",
    ),
)
