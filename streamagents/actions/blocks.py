"""Blocks: a message in Slack's Block Kit, in which what others wrote neither pings nor links."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_SECTION, MAX_HEADER, MAX_FIELD, FIELDS_A_SECTION = 3000, 150, 2000, 10
_MAX_FIELDS = 100
"""Slack shows up to 50 blocks; nobody reads so many."""
_MAX_NAME, _MAX_LABEL, _MAX_URL = 200, 200, 2000
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")
_JOINER = "@\u2060"
"""Looks like @, and names nobody: Slack's own mentions are escaped, those of its relatives are
plain text."""
Block = dict[str, Any]


def blocks(
    *,
    title: str,
    text: str,
    fields: Mapping[str, str],
    draft: str,
    link: tuple[str, str] | None,
) -> list[Block]:
    """The message, in the order of the arguments; what is empty is left out."""
    parts: list[Block] = []
    if title.strip():
        head = cut(title, MAX_HEADER)
        parts.append({"type": "header", "text": {"type": "plain_text", "text": head}})
    if text.strip():
        parts.append(_section(marked(text, MAX_SECTION)))
    return [*parts, *_fields(fields), *_tail(draft, link)]


def _tail(draft: str, link: tuple[str, str] | None) -> Iterable[Block]:
    if draft.strip():
        head = "*Draft*\n"
        yield _section(head + marked(draft, MAX_SECTION - len(head)))
    if link is not None:
        yield _section(linked(*link))


def _fields(fields: Mapping[str, str]) -> Iterable[Block]:
    shown = []
    for name, value in islice(fields.items(), _MAX_FIELDS):
        head = f"*{marked(name, _MAX_NAME) or '-'}*\n"
        shown.append(_mrkdwn(head + (marked(value, MAX_FIELD - _size(head)) or "-")))
    for at in range(0, len(shown), FIELDS_A_SECTION):
        yield {"type": "section", "fields": shown[at : at + FIELDS_A_SECTION]}
    if len(fields) > len(shown):
        yield _section(f"… and {len(fields) - len(shown)} more")


def fallback(title: str, text: str) -> str:
    """What a notification shows, where no block is."""
    whole = "\n".join(part.strip() for part in (title, text) if part.strip())
    return marked(whole, MAX_SECTION) or "(no text)"


def marked(text: str, room: int) -> str:
    """A text as mrkdwn that means no more than it says, cut where it shows."""
    return cut(text, room, escape=True)


def linked(url: str, label: str) -> str:
    """A link with its host beside it; what is no address of the web is shown as text.

    A label may say one thing and the link lead to another.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return marked(f"{label}: {url}" if label.strip() else url, MAX_SECTION) or "-"
    address = quote(url.strip(), safe="/:?#[]@!$&'()*+,;=%-._~")
    if len(address) > _MAX_URL:
        return marked(f"{label}: {url}", MAX_SECTION)
    where = marked(host, _MAX_LABEL)
    words = marked(label, _MAX_LABEL).replace("|", "¦")
    link = address.replace("&", "&amp;")
    return f"<{link}|{words}> ({where})" if words else f"<{link}|{where}>"


def cut(text: str, room: int, *, escape: bool = False) -> str:
    """The text without mentions, escaped if asked for, in at most `room` of Slack's characters.

    Addresses of e-mail stay as they are.
    """
    # What does not fit is not looked at: it may be megabytes.
    text = _MENTION.sub(_JOINER, text.strip()[: room + 1])
    whole = text.translate(_ENTITIES) if escape else text
    if _size(whole) <= room:
        return whole
    pieces = [char.translate(_ENTITIES) if escape else char for char in text]
    kept, left = 0, room - 1
    while (left := left - _size(pieces[kept])) >= 0:
        kept += 1
    return "".join(pieces[:kept]) + "…"


def _size(text: str) -> int:
    """What lies beyond the first 65,536 characters of Unicode is two to JavaScript."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack looks for no links, channels and names of its own.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
