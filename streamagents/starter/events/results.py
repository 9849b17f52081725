"""What the agents say. `provider` is who decided: rules, or the model that was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streamagents.events import Event


class Mail(BaseModel):
    """One mail of a sequence."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    day: int = Field(ge=0, le=90)
    """So many days after the first."""
    subject: str = Field(min_length=1, max_length=150)
    text: str = Field(min_length=1, max_length=4000)


class LeadScored(Event, topic="lead_scored", key="subject"):
    """What a lead is worth, and how to answer."""

    subject: str
    """The lead's address."""
    decision: Literal["call_today", "send_material", "keep_in_mind", "ask_a_person"]
    tier: Literal["hot", "warm", "cold"]
    score: int
    """0 to 100; by the rules the sum of the points that `reasons` names."""
    reasons: list[str]
    draft: str
    sequence: list[Mail] = Field(default_factory=list)
    """The mails of the first weeks; the first one is the draft."""
    website: str | None = None
    """What the company's site says of itself, in a line; null where it was not read."""
    provider: str = "rules"


class RecoveryPlanned(Event, topic="recovery_planned", key="subject"):
    """How a failed payment is to be recovered."""

    subject: str
    """The customer's id."""
    decision: Literal["retry", "ask_for_new_card", "stop", "last_reminder", "ask_a_person"]
    """What a person is asked about carries the rest of the plan as a proposal."""
    decline: Literal["temporary", "card", "fraud", "unknown"]
    retry_at: list[datetime]
    amount: str | None
    """For people: `1,200.00 EUR`; null where the event does not say."""
    step: int = 0
    """0 for the plan, then the number of the follow-up."""
    reasons: list[str]
    draft: str
    provider: str = "rules"


class RecoveryEnded(Event, topic="recovery_ended", key="subject"):
    """A payment arrived, and what that ends."""

    subject: str
    """The customer's id."""
    decision: Literal["paid", "already_paid", "nothing_open"]
    """`already_paid`: the failure was told after the success that followed it."""
    invoice_id: str | None
    cases: int
    """How many open cases this ends."""
    reasons: list[str]
    provider: str = "rules"


class MentionClassified(Event, topic="mention_classified", key="subject"):
    """How a mention sounds, how urgent it is, and what to answer."""

    subject: str | None
    """The author, where known."""
    decision: Literal["reply", "no_reply", "ask_a_person"]
    sentiment: Literal["positive", "negative", "mixed", "neutral"]
    angry: bool
    urgency: Literal["low", "normal", "high"]
    language: Literal["en", "de"]
    """Of the draft."""
    reasons: list[str]
    draft: str
    seen: int = 1
    """How many mentions of this sentiment the author has written, this one included."""
    provider: str = "rules"


class OnboardingStarted(Event, topic="onboarding_started", key="subject"):
    """The plan and the first steps of somebody new."""

    subject: str
    """The address."""
    decision: Literal["welcome"] = "welcome"
    plan: Literal["solo", "team", "business"]
    track: Literal["developer", "sales", "support", "guided"]
    steps: list[str]
    reasons: list[str]
    draft: str
    sequence: list[Mail] = Field(default_factory=list)
    """The mails of the first weeks; the first one is the draft."""
    provider: str = "rules"


class CompetitorPostRead(Event, topic="competitor_post_read", key="subject"):
    """What a competitor's post says, and whom it concerns."""

    subject: str
    """The competitor."""
    decision: Literal["tell", "keep"]
    """`keep`: there is nothing in it that somebody has to read."""
    channel: str
    """Of Slack."""
    tags: list[str]
    summary: str
    url: str | None
    reasons: list[str]
    provider: str = "rules"


class LinkReported(Event, topic="link_reported", key="subject"):
    """A broken link: where it stands, since when, and what may stand there instead."""

    subject: str
    """The link as it is written."""
    decision: Literal["replace", "remove", "wait", "fixed", "ask_a_person"]
    cause: Literal[
        "gone", "moved", "misspelt", "server", "no_address", "certificate", "refused",
        "unreachable", "works", "unknown",
    ]  # fmt: skip
    page: str | None
    since: datetime
    """The earliest moment that is known."""
    days: int
    suggestion: str | None
    summary: str
    reasons: list[str]
    provider: str = "rules"


class ReviewNeeded(Event, topic="review_needed", key="subject"):
    """A person has to look at something: why, and what the agent would have said."""

    subject: str | None
    about: str
    """The type of the event in question."""
    decision: Literal["ask_a_person"] = "ask_a_person"
    reasons: list[str]
    draft: str
    provider: str = "rules"


class UnknownEventSeen(Event, topic="unknown_event_seen", key="type"):
    """An event of a type that no agent takes: what it looked like, so that none vanishes."""

    type: str
    topic: str
    """Where it was read."""
    source: str
    fields: list[str]
    """Names of its fields, sorted; the first hundred of them."""
    field_count: int
    size_bytes: int
    """Of the data, written as JSON."""
    summary: str = ""
    """What it seems to be, in a sentence."""
    looks_like: str | None = None
    """A type that has an agent, where the fields are those of it."""
    provider: str = "rules"
