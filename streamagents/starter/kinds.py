"""What the agents ask a model for: one kind an agent. The rules answer in the same kinds.

A field's bound is what keeps nonsense out: an answer beyond it goes back to the model once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from streamagents.starter.events import Mail

Sentence = Annotated[str, Field(min_length=1, max_length=400)]
Sentences = Annotated[list[Sentence], Field(max_length=20)]
Draft = Annotated[str, Field(max_length=4000)]
Sequence = Annotated[list[Mail], Field(max_length=5)]

Tier = Literal["hot", "warm", "cold"]
Decline = Literal["temporary", "card", "fraud", "unknown"]
Sentiment = Literal["positive", "negative", "mixed", "neutral"]
Urgency = Literal["low", "normal", "high"]
Language = Literal["en", "de"]
PlanName = Literal["solo", "team", "business"]
Track = Literal["developer", "sales", "support", "guided"]
Tag = Literal[
    "pricing", "product", "outage", "security", "funding", "partnership", "hiring", "customer",
    "event", "other",
]  # fmt: skip
Cause = Literal[
    "gone", "moved", "misspelt", "server", "no_address", "certificate", "refused", "unreachable",
    "works", "unknown",
]  # fmt: skip
KnownType = Literal[
    "new_lead", "payment_failed", "payment_succeeded", "mention", "form_submit",
    "competitor_post", "broken_link",
]  # fmt: skip


class Kind(BaseModel):
    """What stands below a field goes to the model as its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class LeadView(Kind):
    """What a lead is worth, and the mails to answer with."""

    tier: Tier
    """hot: call today; warm: send material; cold: keep in mind."""
    score: int = Field(ge=0, le=100)
    reasons: Sentences
    odd: Sentences
    """What does not fit together, for a person to look at; mostly nothing."""
    sequence: Sequence = Field(min_length=1)
    """The answer on day 0, and what follows it."""


class DeclineView(Kind):
    """Why a payment failed."""

    decline: Decline
    """temporary: passes by itself; card: the card or account is at fault; fraud: suspected."""
    reason: Sentence


class MentionView(Kind):
    """How a mention sounds, and what to answer."""

    sentiment: Sentiment
    angry: bool
    urgency: Urgency
    language: Language
    """Of the draft."""
    reasons: Sentences = Field(min_length=1)
    draft: Draft
    """The reply in public; empty where none is needed."""


class FormView(Kind):
    """What somebody who filled in a form wants."""

    spam: bool
    """Advertising or fraud, not a customer."""
    track: Track
    plan: PlanName
    reasons: Sentences
    odd: Sentences
    """What does not hold, for a person to look at; mostly nothing."""
    steps: Sentences
    sequence: Sequence
    """The welcome on day 0, and what follows it."""


class PostView(Kind):
    """What a competitor's post says."""

    tags: list[Tag] = Field(min_length=1, max_length=4)
    """The most important one first."""
    reasons: Sentences
    summary: Sentence
    empty: bool
    """There is nothing in it to read."""


class LinkView(Kind):
    """Why a link is broken, and what may stand there instead."""

    cause: Cause
    suggestion: str | None = Field(max_length=2048)
    """An address out of the data, or the link with its spelling mended; else null."""
    reason: Sentence


class UnknownView(Kind):
    """What an event of an unknown type seems to be."""

    summary: Sentence
    looks_like: KnownType | None
    noise: bool
    """A ping, a heartbeat, a test: nobody has to look."""
