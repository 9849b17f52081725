"""Sitemaps: the addresses in a sitemap, an index of sitemaps, or a list in plain text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamagents.errors import HttpError
from streamagents.monitors.item import fit
from streamagents.monitors.web import shown
from streamagents.monitors.xml import local_name, xml_of
from streamagents.net.body import Body

if TYPE_CHECKING:
    from streamagents.net import Reply

_MOST = 5000
_MAX_URL = 1000
_MAX_BYTES = 8 << 20
_GZIP = b"\x1f\x8b"
_KINDS = frozenset({"urlset", "sitemapindex"})
_SCHEMES = ("http://", "https://")


def sitemap_of(reply: Reply) -> list[str]:
    """The addresses, each once; none where it is no sitemap."""
    if reply.body.startswith(_GZIP):  # a file that is packed, whatever its transport was
        body = Body(shown(reply.url), "gzip", _MAX_BYTES)
        try:
            body.feed(reply.body)
            reply = replace(reply, body=body.whole())
        except HttpError:
            return []
    if reply.headers.get("Content-Type", "").startswith("text/plain"):
        found = reply.body.decode(errors="replace").splitlines()
    else:
        root = xml_of(reply)
        if root is None or local_name(root.tag) not in _KINDS:
            return []
        found = [element.text or "" for element in root.iter("{*}loc")]
    urls = (fit(text[: 2 * _MAX_URL]).strip() for text in found)
    fine = (url for url in urls if url.startswith(_SCHEMES) and len(url) <= _MAX_URL)
    return list(dict.fromkeys(fine))[:_MOST]
