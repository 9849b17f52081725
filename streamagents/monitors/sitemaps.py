"""Sitemaps: the addresses in a sitemap, an index of sitemaps, or a list in plain text."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from streamagents.monitors.item import fit
from streamagents.monitors.xml import local_name, xml_of
from streamagents.net.encoding import decode

if TYPE_CHECKING:
    from streamagents.net import Reply

_MOST = 5000
_MAX_URL = 1000
_MAX_BYTES = 8 << 20
"""Unpacked. What is longer has more addresses than we take, and its beginning is read."""
_WITH_GZIP = 16 + zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"
_KINDS = frozenset({"urlset", "sitemapindex"})
_EXTENSION = "/schemas/sitemap-"
"""Of images and videos, which have a place, too."""
_SCHEMES = ("http://", "https://")


def sitemap_of(reply: Reply) -> list[str]:
    """The addresses, each once; none where it is no sitemap."""
    cut = False
    if reply.body.startswith(_GZIP):  # a file that is packed, whatever its transport was
        unpacked, cut = _unpacked(reply.body)
        reply = replace(reply, body=unpacked)
    if reply.headers.get("Content-Type", "").startswith("text/plain"):
        found = decode(reply.body, "").splitlines()
    else:
        root = xml_of(reply)
        if root is None or local_name(root.tag) not in _KINDS:
            return []
        places = (one for one in root.iter("{*}loc") if _EXTENSION not in one.tag)
        found = [one.text or "" for one in places]
    urls = (fit(text[: 2 * _MAX_URL]).strip() for text in found[: len(found) - cut])
    fine = (url for url in urls if url.startswith(_SCHEMES) and len(url) <= _MAX_URL)
    return list(dict.fromkeys(fine))[:_MOST]


def _unpacked(body: bytes) -> tuple[bytes, bool]:
    """Its beginning, and whether there is more or the rest cannot be unpacked."""
    unpacker = zlib.decompressobj(_WITH_GZIP)
    try:
        unpacked = unpacker.decompress(body, _MAX_BYTES)
    except zlib.error:
        return b"", True
    return unpacked, not unpacker.eof
