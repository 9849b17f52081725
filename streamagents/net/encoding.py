"""Encoding: bytes from the wire as text, whatever their sender says of them."""

from __future__ import annotations

import codecs
import re

_ENCODINGS = re.compile(
    r"utf-(8|16|16-le|16-be)|iso8859-\d+|cp(125\d|866|932|949|874)|koi8-[rutk]|"
    r"euc_jp|iso2022_jp|gb18030|big5hkscs|mac-(roman|cyrillic)"
)
"""By Python's names. Others that it knows are no encodings of pages, and some take very long."""
_WESTERN = "cp1252"
_AS_BROWSERS_READ = {
    "iso8859-1": _WESTERN, "ascii": _WESTERN, "iso8859-9": "cp1254", "iso8859-11": "cp874",
    "tis-620": "cp874", "shift_jis": "cp932", "euc_kr": "cp949", "gb2312": "gb18030",
    "gbk": "gb18030", "big5": "big5hkscs",
}  # fmt: skip
"""What is written is a larger set of characters than what is said."""
_ELSEWHERE = {"windows-874": "cp874", "windows-31j": "cp932", "iso-8859-8-i": "iso8859-8"}
"""Names that Python does not know."""
_ESCAPE = b"\x1b$"
"""Of ISO-2022-JP, which is written in ASCII."""
_WRONG = "\ufffd"
_SURE = 2
"""So many right ones for each wrong one; in other encodings a third is right by chance."""
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
    text = as_utf8(body)
    return body.decode(_WESTERN, "replace") if text is None else text


def as_utf8(body: bytes) -> str | None:
    """As UTF-8, if it is that but for single bytes: cut in its middle, a character is none."""
    if _ESCAPE in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
    wrong = text.count(_WRONG)
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return text if beyond_ascii - wrong > _SURE * wrong else None


def known_encoding(name: str) -> str | None:
    """Python's name of an encoding that texts on the web have; None for any other."""
    name = name.casefold().removeprefix("x-")
    try:
        known = codecs.lookup(_ELSEWHERE.get(name, name)).name
    except LookupError:
        return None
    known = _AS_BROWSERS_READ.get(known, known)
    return known if _ENCODINGS.fullmatch(known) else None
