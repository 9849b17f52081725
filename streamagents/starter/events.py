"""The starter app's events: four that come in, and what the agents say about them.

A field `id` is the event's id, for senders without CloudEvents headers or an envelope: two
records with one id are one event. The id of an invoice or a customer has a field of its own.
A result's own id is `<id of the event it answers>/emit-<n>`, so no result repeats it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import EmailStr, Field

from streamagents.events import Event
from streamagents.starter.fields import (
    Answers,
    Cents,
    KeyText,
    Money,
    Number,
    OptionalEmail,
    OptionalKeyText,
    Text,
)


class NewLead(Event, topic="new_lead", key="email"):
    """Somebody is interested."""

    id: Text = None
    email: EmailStr
    name: Text = None
    company: Text = None
    role: Text = None
    message: Text = None
    source: Text = None
    """Where the lead comes from: referral, webinar, website."""
    employees: Number = None
    """A number, a range such as "50-200", or a word such as "startup"."""


class PaymentFailed(Event, topic="payment_failed", key="customer_id"):
    """A charge was declined. `amount` is in whole units, `amount_minor` in cents; one is enough."""

    id: Text = None
    customer_id: KeyText
    email: Text = None
    name: Text = None
    invoice_id: Text = None
    amount: Money | None = None
    amount_minor: Cents | None = None
    currency: Text = None
    decline_code: Text = None
    """As the payment provider has it: `insufficient_funds`, `expired_card`, `AM04`."""
    attempt: Number = None
    """How often this charge has been tried, this one included."""


class Mention(Event, topic="mention", key="author"):
    """Somebody wrote about us in public.

    Keyed by author: what one person writes is read in order, and a busy brand is no bottleneck,
    which it would be as the key.
    """

    id: Text = None
    text: str
    author: OptionalKeyText = None
    brand: Text = None
    platform: Text = None
    url: Text = None
    followers: Number = None


class FormSubmit(Event, topic="form_submit", key="email"):
    """Somebody filled in a form to get started."""

    id: Text = None
    email: OptionalEmail = None
    name: Text = None
    form: Text = None
    consent: bool | str | int | None = None
    """May stand here or among the answers."""
    answers: Answers = Field(default_factory=dict)


class LeadScored(Event, topic="lead_scored", key="subject"):
    """What the rules make of a lead."""

    subject: str
    """The lead's address."""
    decision: Literal["call_today", "send_material", "keep_in_mind", "ask_a_person"]
    tier: Literal["hot", "warm", "cold"]
    score: int
    """The sum of the points that `reasons` names, held between 0 and 100."""
    reasons: list[str]
    draft: str
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
    reasons: list[str]
    draft: str
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
    provider: str = "rules"


class ReviewNeeded(Event, topic="review_needed", key="subject"):
    """A person has to look at something: why, and what the rules would have said."""

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
    provider: str = "rules"
