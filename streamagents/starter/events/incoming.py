"""What comes in. Senders are many and differ: few fields are needed, unknown ones are no fault."""

from __future__ import annotations

from pydantic import EmailStr, Field

from streamagents.events import Event
from streamagents.starter.fields import (
    Answers,
    Cents,
    KeyText,
    Links,
    Moment,
    Money,
    Number,
    OptionalEmail,
    OptionalKeyText,
    Text,
    Url,
)


class NewLead(Event, topic="new_lead", key="email"):
    """Somebody is interested."""

    id: Text = None
    email: EmailStr
    name: Text = None
    company: Text = None
    website: Text = None
    """The company's; without it the domain of a company's address is its site."""
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
    decline_reason: Text = None
    """In the bank's or the provider's own words."""
    attempt: Number = None
    """How often this charge has been tried, this one included."""


class PaymentSucceeded(Event, topic="payment_succeeded", key="customer_id"):
    """A charge went through: of this invoice, or without one of all the customer owes."""

    id: Text = None
    customer_id: KeyText
    invoice_id: Text = None
    amount: Money | None = None
    amount_minor: Cents | None = None
    currency: Text = None


class PaymentFollowUp(Event, topic="payment_follow_up", key="customer_id"):
    """The recovery agent's note to itself, delayed: look whether this payment has arrived."""

    customer_id: KeyText
    case: str
    """The id of the failure that opened the case."""
    step: int = Field(ge=1)
    """Which follow-up of the case it is."""


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


class CompetitorPost(Event, topic="competitor_post", key="company"):
    """A competitor published something."""

    id: Text = None
    company: KeyText
    title: Text = None
    text: str = ""
    url: Text = None
    published: Text = None


class BrokenLink(Event, topic="broken_link", key="url"):
    """A link of ours leads nowhere, as a link checker saw it."""

    id: Text = None
    url: Url
    page: Text = None
    """Where the link stands."""
    anchor: Text = None
    """The words that are linked."""
    status: Number = None
    """Of HTTP, where a server answered."""
    error: Text = None
    """What the checker says: `timeout`, `certificate has expired`."""
    redirect: Text = None
    """Where the server sends whoever asks."""
    since: Moment = None
    checked_at: Moment = None
    candidates: Links = Field(default_factory=list)
    """Pages that exist, of a sitemap for example, one of which may be meant."""
