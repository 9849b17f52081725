"""The rules for events of unknown types: what they look like, and whether they are noise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic_core import to_json

from streamagents.starter.events import (
    BrokenLink,
    CompetitorPost,
    FormSubmit,
    Mention,
    NewLead,
    PaymentFailed,
    PaymentSucceeded,
    UnknownEventSeen,
)
from streamagents.starter.kinds import KnownType, UnknownView
from streamagents.starter.reading import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.events import Event

SHOWN_FIELDS = 100
KNOWN: tuple[type[Event], ...] = (
    NewLead, PaymentFailed, PaymentSucceeded, Mention, FormSubmit, CompetitorPost, BrokenLink,
)  # fmt: skip
TELLING: dict[KnownType, frozenset[str]] = {
    "new_lead": frozenset({"lead", "leads", "prospect", "interessent"}),
    "payment_failed": frozenset({"failed", "declined", "fehlgeschlagen", "unpaid"}),
    "payment_succeeded": frozenset({"succeeded", "received", "paid", "bezahlt"}),
    "mention": frozenset({"mention", "tweet", "social", "review"}),
    "form_submit": frozenset({"form", "signup", "formular"}),
    "competitor_post": frozenset({"competitor", "competitors", "mitbewerber"}),
    "broken_link": frozenset({"link", "links"}),
}
"""Words in the name of a type that tell what it is about."""
NOISE = frozenset({
    "ping", "pong", "heartbeat", "health", "healthcheck", "check", "keepalive", "alive", "test",
    "tests", "smoke", "noop", "debug", "hello", "dummy", "event", "message", "prueba",
})  # fmt: skip
"""A type of such words alone is nobody's business."""
ALIKE = 3
"""So many fields in common with a model make an event look like it, or two and the name."""
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def describe(event: dict[str, Any], *, type_: str, topic: str, source: str) -> UnknownEventSeen:
    """What an unknown event looked like, bounded: names of fields, never their values."""
    names = sorted(one_line(name) for name in event)
    return UnknownEventSeen(
        type=one_line(type_, 249),
        topic=topic,
        source=one_line(source, 249),
        fields=names[:SHOWN_FIELDS],
        field_count=len(names),
        size_bytes=len(to_json(event)),
    )


def view(event: dict[str, Any], type_: str) -> UnknownView:
    """The whole answer, by names alone: no value is looked at."""
    words = _words(type_)
    looks_like = _looks_like(event, words)
    noise = looks_like is None and bool(words) and words <= NOISE
    name = one_line(type_) or "without a name"
    said = f"An event of the type {name}, with {len(event):,} fields"
    if looks_like:
        said += f": they are those of {looks_like}, so it may be one under another name"
    elif noise:
        said += ": a sign of life or a test"
    return UnknownView(summary=f"{said}.", looks_like=looks_like, noise=noise)


def known_fields() -> dict[str, list[str]]:
    """The types that have an agent, each with the names of its fields."""
    return {model.event_type.type: sorted(model.model_fields) for model in KNOWN}


def _words(type_: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", type_[:500]))}


def _looks_like(fields: Iterable[str], words: set[str]) -> KnownType | None:
    """The model that has most of the fields, if they are enough; the first of several."""
    best: tuple[int, KnownType | None] = (0, None)
    for model in KNOWN:
        name = next(known for known in get_args(KnownType) if known == model.event_type.type)
        own = {field for field in fields if field in model.model_fields and field != "id"}
        if not _needed(model) <= own:
            continue
        points = len(own) + (1 if words & TELLING[name] else 0)
        if points >= ALIKE and points > best[0]:
            best = (points, name)
    return best[1]


def _needed(model: type[Event]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.is_required()}
