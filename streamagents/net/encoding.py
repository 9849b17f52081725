"""Encoding: bytes from the wire as text, whatever their sender says of them."""

from __future__ import annotations

import codecs
import re

_ENCODINGS = re.compile(
    r"utf-(8|16|16-le|16-be)|iso8859-\d+|cp(125\d|866|932|949|874)|koi8-[rutk]|"
    r"shift_jis|euc_(jp|kr)|gbk|gb2312|gb18030|big5(hkscs)?|mac-(roman|cyrillic)"
)
"""By Python's names. Others that it knows are no encodings of pages, and some take very long."""
_WESTERN = "cp1252"
_AS_BROWSERS_READ = {"iso8859-1": _WESTERN, "ascii": _WESTERN, "gb2312": "gbk"}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_META_BYTES = 1024


def decode(body: bytes, content_type: str) -> str:
    """Bytes as text: by their first bytes, their sender, what they say themselves, or a guess."""
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    said = _CHARSET.search(content_type)
    meta = _META.search(body[:_META_BYTES])
    for name in (said and said[1], meta and meta[1].decode("ascii", "replace")):
        if name and (known := known_encoding(name)):
            return body.decode(known, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(_WESTERN, "replace")


def known_encoding(name: str) -> str | None:
    """Python's name of an encoding that texts on the web have; None for any other."""
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    known = _AS_BROWSERS_READ.get(known, known)
    return known if _ENCODINGS.fullmatch(known) else None
