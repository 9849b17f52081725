"""XML and HTML from the wire as trees: whatever the encoding, however broken, with bounded work.

No entity is expanded, no DTD is loaded, nothing is fetched, and libxml2's own limits hold.
"""

from __future__ import annotations

import codecs
import re
from html.entities import html5
from typing import TYPE_CHECKING, Any

from lxml import etree, html

from streamagents.net.encoding import decode, known_encoding

if TYPE_CHECKING:
    from streamagents.net import Reply

_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_LOOSE = re.compile(
    r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};)([A-Za-z][A-Za-z0-9]{1,31};)?|<(?![\w:/!?])"
)
"""What is written in HTML or by hand, and what XML would drop: it loses a URL its parameters."""
_HALVES = re.compile(
    r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}"
    r"|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));"
)
"""Halves of characters by number: lxml takes them in and cannot give them out again."""
_MOST_MENDED = 100_000
"""Beyond that nobody means well: the parser drops what it does not like, in a tenth of the time."""
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_UTF16 = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def xml_of(reply: Reply) -> Any:
    """The root of an XML document, broken or not; None where there is none."""
    text = _fit(_text(reply.body, reply.headers.get("Content-Type", "")))
    text = _mended(text[_end_of_declaration(text) :]).strip()
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode(), parser) if text.startswith("<") else None
    except etree.XMLSyntaxError:
        return None


def html_of(reply: Reply) -> Any:
    """The root of an HTML document, broken or not; None where there is none."""
    text = _fit(decode(reply.body, reply.headers.get("Content-Type", "")))
    text = text[_end_of_declaration(text) :].strip()
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return html.document_fromstring(text.encode(), parser) if text else None
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def local_name(tag: Any) -> str:
    """A tag without its namespace; nothing for what is no element."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(body: bytes, content_type: str) -> str:
    """By the first bytes, else by the first of those who name an encoding that is not wrong."""
    if not body.startswith(_BOMS):
        for start, encoding in _UTF16:
            if body.startswith(start):
                return body.decode(encoding, "replace")
        said, declared = _CHARSET.search(content_type), _DECLARED.match(body.lstrip()[:300])
        # What reads as UTF-8 is UTF-8, whatever is said of it.
        names = ("utf-8", said and said[1], declared and declared[1].decode("ascii"))
        for known in filter(None, map(known_encoding, filter(None, names))):
            try:
                return body.decode(known)
            except UnicodeDecodeError:  # they say so, and it is not
                continue
    return decode(body, "")


def _end_of_declaration(text: str) -> int:
    found = _DECLARATION.match(text)
    return found.end() if found else 0


def _fit(text: str) -> str:
    """Without what XML has no place for."""
    return _HALVES.sub("", _UNFIT.sub("", text.replace("\0", ""), _MOST_MENDED))


def _mended(text: str) -> str:
    """With all that stands for itself written as XML has it."""
    parts, left = _CDATA.split(text, _MOST_MENDED), _MOST_MENDED
    for at in range(0, len(parts), 2):
        parts[at], done = _LOOSE.subn(_character, parts[at], left)
        left -= done
        if not left:  # and 0 would mean all
            break
    return "".join(parts)


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name in _OF_XML:
        return found[0]
    if name in html5:
        return f"&#{ord(html5[name][0])};" + html5[name][1:]
    return "&lt;" if found[0] == "<" else f"&amp;{name or ''}"
