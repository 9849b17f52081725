"""The rules for competitors' posts: tags by words, and whom a tag concerns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from streamagents.starter.kinds import PostView, Tag
from streamagents.starter.reading import one_line
from streamagents.starter.rules.wording import asserted

if TYPE_CHECKING:
    from streamagents.starter.events import CompetitorPost

WORDS: dict[Tag, tuple[str, ...]] = {
    "security": (
        "vulnerability", "breach", "security advisory", "security hole", "cve", "leaked", "hacked",
        "sicherheitslücke", "datenleck", "brecha de seguridad",
    ),
    "outage": (
        "outage", "down for", "incident", "degraded", "unavailable", "status page", "störung",
        "ausfall", "could log in",
    ),
    "pricing": (
        "price", "prices", "pricing", "cheaper", "costs", "cost", "discount", "free tier",
        "for free", "plans", "billing", "half price", "preis", "preise", "preiserhöhung", "rabatt",
        "kostenlos", "eur", "usd",
    ),
    "funding": (
        "raised", "series a", "series b", "series c", "investors", "acquires", "acquired",
        "acquisition", "ipo", "going public", "finanzierungsrunde", "investoren", "übernimmt",
    ),
    "partnership": (
        "partnership", "partner", "partners", "team up", "joint", "kooperation", "partnerschaft",
    ),
    "hiring": (
        "hiring", "hired", "open positions", "new ceo", "new cto", "layoffs", "jobs", "joins us",
        "wir suchen", "stellen",
    ),
    "product": (
        "introducing", "launch", "launches", "new feature", "version", "beta", "integration",
        "changelog", "release", "released", "api", "app", "feature", "neue funktion", "funktion",
        "end of life",
    ),
    "customer": ("customer story", "case study", "customers", "chose", "kundengeschichte"),
    "event": (
        "webinar", "conference", "fair", "booth", "meetup", "konferenz", "messe", "register now",
    ),
}  # fmt: skip
"""What a tag is known by. The first of the tags that apply is the most important one."""
CHANNELS: dict[Tag, str] = {
    "security": "engineering",
    "outage": "sales",
    "pricing": "sales",
    "funding": "strategy",
    "partnership": "strategy",
    "hiring": "strategy",
    "product": "product",
    "customer": "sales",
    "event": "marketing",
    "other": "competitors",
}
"""Whom a tag concerns: a competitor's outage is for those who talk to its customers."""
MOST_TAGS = 4
_SUMMARY_CHARS = 200
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def view(post: CompetitorPost) -> PostView:
    """The whole answer."""
    text = f"{post.title or ''}\n{post.text}"
    hits = {tag: asserted(words, text) for tag, words in WORDS.items()}
    tags: list[Tag] = [tag for tag in get_args(Tag) if hits.get(tag)]
    return PostView(
        tags=sorted(tags, key=list(WORDS).index)[:MOST_TAGS] or ["other"],
        reasons=[f"It speaks of {', '.join(hits[tag])}: {tag}." for tag in tags],
        summary=summary(post),
        empty=_LETTERS.search(post.text) is None,
    )


def summary(post: CompetitorPost) -> str:
    """The title and the first sentence: nothing that the post does not say."""
    first = re.split(r"(?<=[.!?])\s", post.text.strip()[:2000], maxsplit=1)[0]
    said = ": ".join(part for part in (post.title, first) if part)
    return one_line(said, _SUMMARY_CHARS) or "The post is empty."


def channel_of(tags: list[Tag]) -> str:
    """Where a post goes: by its most important tag."""
    return CHANNELS[tags[0]]
