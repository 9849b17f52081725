"""The rules for broken links: the cause by status and error, and what was probably meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

from streamagents.starter.events import LinkReported
from streamagents.starter.kinds import Cause, LinkView
from streamagents.starter.reading import count, found, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.starter.events import BrokenLink

Decision = Literal["replace", "remove", "wait", "fixed", "ask_a_person"]

PATIENCE_DAYS = 3
"""What may pass by itself gets so long."""
ALIKE = 0.75
"""How much of two paths has to agree, from 0 to 1."""
MOST_CANDIDATES = 200
ERRORS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("certificate", ("certificate", "ssl", "tls", "zertifikat", "hostname mismatch")),
    ("no_address", ("dns", "no such host", "enotfound", "not known", "nicht gefunden")),
    (
        "unreachable",
        ("timeout", "timed out", "refused", "unreachable", "reset", "econnrefused", "zeit"),
    ),
)
MEANINGS: dict[Cause, str] = {
    "gone": "the page is not there any more",
    "moved": "the page has moved",
    "misspelt": "the address itself is misspelt",
    "server": "the server has a fault",
    "no_address": "nobody knows the host",
    "certificate": "the certificate does not hold",
    "refused": "the server lets not everybody in",
    "unreachable": "nobody answers",
    "works": "it works again",
    "unknown": "the reason is not known",
}
_PASSING = frozenset({"server", "no_address", "certificate", "unreachable"})
_GONE, _REFUSED, _TOO_MANY, _SERVER = frozenset({404, 410}), frozenset({401, 403}), 429, 500
_OK, _MOVED, _CLIENT = 200, 300, 400
_TRAILING = tuple(")].,;:'\"\u201c\u201d>")


def view(link: BrokenLink) -> LinkView:
    """The whole answer."""
    mended = mend(link.url)
    status = count(link.status)
    cause = _cause(link, status)
    if mended and cause != "works":
        cause = "misspelt"
    suggestion = mended
    if cause == "moved":
        suggestion = link.redirect
    elif cause == "gone":
        suggestion = closest(link.url, link.candidates)
    said = ", ".join(
        part for part in (f"status {status}" if status else "", one_line(link.error or "")) if part
    )
    return LinkView(
        cause=cause,
        suggestion=suggestion if usable(suggestion, link) else None,
        reason=f"The checker says {said or 'nothing'}: {MEANINGS[cause]}.",
    )


def report(
    link: BrokenLink, seen: LinkView, *, since: datetime, seen_at: datetime, provider: str
) -> LinkReported:
    """What is emitted of a link; a suggestion that our own data do not name is dropped."""
    suggestion = seen.suggestion if usable(seen.suggestion, link) else None
    days = max(0, (seen_at - since).days)
    return LinkReported(
        subject=link.url,
        decision=decide(seen.cause, suggestion, days=days, status=count(link.status)),
        cause=seen.cause,
        page=one_line(link.page, 500) if link.page else None,
        since=since,
        days=days,
        suggestion=suggestion,
        summary=summary(link, seen.cause, since=since, suggestion=suggestion),
        reasons=[seen.reason],
        provider=provider,
    )


def decide(cause: Cause, suggestion: str | None, *, days: int, status: int | None) -> Decision:
    """What is to be done about a link."""
    if cause == "works":
        return "fixed"
    if suggestion:
        return "replace"
    if cause == "gone":
        return "remove"
    if (cause in _PASSING and days < PATIENCE_DAYS) or status == _TOO_MANY:
        return "wait"
    return "ask_a_person"


def usable(suggestion: str | None, link: BrokenLink) -> bool:
    """Whether a suggestion may be shown: an address of the web that our own data names.

    A model's free invention, or what a page's text talks it into, is none.
    """
    parts = split(suggestion)
    if suggestion is None or parts is None or suggestion == link.url:
        return False
    if suggestion in {link.redirect, mend(link.url)}:
        return True
    own = split(link.url)
    same_site = own is not None and parts.hostname == own.hostname
    return suggestion in link.candidates and same_site


def summary(link: BrokenLink, cause: Cause, *, since: datetime, suggestion: str | None) -> str:
    """Where, since when, and what instead, in a sentence or two."""
    words = f" ({one_line(link.anchor)})" if link.anchor else ""
    where = f"on {one_line(link.page, 300)}" if link.page else "on a page that is not named"
    instead = f" It may be replaced by {suggestion}." if suggestion else ""
    return (
        f"The link {one_line(link.url, 300)}{words} {where} is broken since "
        f"{since:%Y-%m-%d %H:%M}: {MEANINGS[cause]}.{instead}"
    )


def split(url: str | None) -> SplitResult | None:
    """The parts of an address of the web, or None."""
    try:
        parts = urlsplit(url or "")
        usable_ = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return parts if usable_ and not re.search(r"[\s,<>]", parts.netloc) else None


def mend(url: str) -> str | None:
    """A misspelt address as it was meant; None where nothing is wrong, or nothing can be done."""
    better = re.sub(r"\s+", "", url)
    better = re.sub(r"^(https?)(?:://)?https?://?", r"\1://", better)
    better = re.sub(r"^h?t?tps?:/*(?=\w)", _scheme, better)
    host, slash, path = better.partition("://")[2].partition("/")
    better = f"{better.partition('://')[0]}://{host.replace(',', '.')}{slash}{path}"
    while better.endswith(_TRAILING) and not _balanced(better):
        better = better[:-1]
    return better if better != url and split(better) else None


def closest(url: str, candidates: Sequence[str]) -> str | None:
    """The page whose path is most like that of the link, on the same host, if it is alike."""
    own = split(url)
    if own is None:
        return None
    rated = [
        (_likeness(own.path, parts.path), candidate)
        for candidate in candidates[:MOST_CANDIDATES]
        if (parts := split(candidate)) and parts.hostname == own.hostname
    ]
    best = max(rated, default=(0.0, None), key=lambda pair: pair[0])
    return best[1] if best[0] >= ALIKE else None


def _cause(link: BrokenLink, status: int | None) -> Cause:
    if status is None:
        kinds = (cause for cause, words in ERRORS if found(words, link.error))
        return next(kinds, "unknown")
    if split(link.redirect) and link.redirect != link.url:
        return "moved"
    if status in _GONE:
        return "gone"
    if status in _REFUSED or status == _TOO_MANY:
        return "refused"
    if status >= _SERVER:
        return "server"
    return "works" if _OK <= status < _MOVED else "unknown"


def _balanced(url: str) -> bool:
    """A bracket at the end that has its partner belongs to the address."""
    return url.endswith(")") and url.count("(") == url.count(")")


def _scheme(written: re.Match[str]) -> str:
    return "https://" if "s" in written[0] else "http://"


def _likeness(first: str, second: str) -> float:
    """Of two paths: the last part counts most, for that is what a page is called."""
    one, other = _parts(first), _parts(second)
    if not one or not other:
        return 0.0
    name = SequenceMatcher(None, one[-1], other[-1]).ratio()
    whole = SequenceMatcher(None, "/".join(one), "/".join(other)).ratio()
    return max(whole, 0.8 * name + 0.2 * whole)


def _parts(path: str) -> list[str]:
    plain = re.sub(r"\.html?$", "", path[:500].casefold()).replace("_", "-")
    return [part for part in plain.split("/") if part]
