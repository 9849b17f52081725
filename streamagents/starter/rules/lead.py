"""The rules for leads: points for each fact, and what does not fit together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.starter.domains import DISPOSABLE_MAIL, FREE_MAIL
from streamagents.starter.events import Mail
from streamagents.starter.kinds import LeadView, Tier
from streamagents.starter.reading import count, found, one_line
from streamagents.starter.rules.orders import GIVES_ORDERS, gives_orders
from streamagents.starter.templates import LEAD_MAILS, hello, letter

if TYPE_CHECKING:
    from streamagents.starter.events import NewLead
    from streamagents.starter.fields import Number
    from streamagents.starter.site import Profile

Points = Sequence[tuple[int, str]]

HOT, WARM = 60, 30
SIZE_WORDS = {
    "solo": 1, "freelancer": 1, "freelance": 1, "selbstständig": 1, "startup": 10, "small": 10,
    "kmu": 50, "medium": 100, "mid-market": 100, "mittelstand": 100, "large": 1000,
    "konzern": 1000, "corporation": 1000, "enterprise": 1000,
}  # fmt: skip
SIZE_POINTS = ((1000, 25), (200, 20), (50, 15), (10, 8), (1, 3))
"""From so many employees on, so many points."""
BIG = 1000
BUYING = (
    "demo", "price", "prices", "pricing", "quote", "offer", "buy", "purchase", "trial", "contract",
    "licence", "licences", "license", "licenses", "budget", "cost", "costs", "angebot", "preis",
    "preise", "preisen", "kaufen", "lizenz", "lizenzen", "vertrag", "kostet", "devis",
)  # fmt: skip
HURRY = (
    "asap", "urgent", "urgently", "this week", "today", "dringend", "sofort", "diese woche",
    "heute", "vite",
)  # fmt: skip
NOT_BUYING = (
    "not interested", "no budget", "backlinks", "guest post", "seo services", "job application",
    "internship", "my thesis", "sell you", "sell our", "kein bedarf", "keinen bedarf",
    "kein interesse", "kein budget", "bewerbung", "praktikum",
)  # fmt: skip
DECIDERS = (
    "ceo", "cto", "cfo", "coo", "cio", "vp", "founder", "owner", "director", "head", "president",
    "directeur", "geschäftsführer", "geschäftsführerin", "inhaber", "inhaberin", "leiter",
    "leiterin",
)  # fmt: skip
LEARNERS = ("student", "studentin", "intern", "praktikant", "praktikantin", "trainee")
WARM_SOURCES = {"referral": 10, "empfehlung": 10, "partner": 10, "webinar": 5, "event": 5}
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_PEOPLE = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[.,]\d{3})?|\d{1,6})\+?\s+"
    r"(?:employees|people|colleagues|mitarbeite\w+|menschen)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a lead is worth by the rules; `odd` is what a person should look at."""

    points: int
    tier: Tier
    reasons: tuple[str, ...]
    odd: tuple[str, ...]


def view(lead: NewLead, profile: Profile) -> LeadView:
    """The whole answer."""
    result = score(lead, profile)
    return LeadView(
        tier=result.tier,
        score=result.points,
        reasons=list(result.reasons),
        odd=list(result.odd),
        sequence=sequence(lead, result.tier),
    )


def score(lead: NewLead, profile: Profile) -> Score:
    """Add up the points of every rule, each with its sentence."""
    size = employees(lead.employees) or _people(profile)
    rules = (_mail(lead), _size(size), _message(lead), _role(lead), _source(lead), _orders(lead))
    counted = [points_and_reason for rule in rules for points_and_reason in rule]
    points = max(0, min(100, sum(points for points, _ in counted)))
    return Score(
        points=points,
        tier="hot" if points >= HOT else "warm" if points >= WARM else "cold",
        reasons=tuple(f"{reason} ({given:+d})." for given, reason in counted),
        odd=tuple(odd(lead)),
    )


def employees(value: Number) -> int | None:
    """The size of a company, from a number, a range or a word."""
    size = count(value)
    if size is None and isinstance(value, str):
        words = value.casefold().split()
        size = next((SIZE_WORDS[word] for word in words if word in SIZE_WORDS), None)
    return size


def sequence(lead: NewLead, tier: Tier) -> list[Mail]:
    """The mails of the first weeks; the first one answers."""
    behalf = f" on behalf of {one_line(lead.company)}" if lead.company else ""
    return [
        Mail(
            day=day,
            subject=subject,
            text=letter(kind, hello=hello(_plain_name(lead)), behalf=behalf),
        )
        for day, subject, kind in LEAD_MAILS[tier]
    ]


def odd(lead: NewLead) -> list[str]:
    """What does not fit together, in words for the person who is asked."""
    domain, size = _domain(lead), employees(lead.employees)
    facts = (lead.name, lead.company, lead.role, lead.message, lead.employees)
    learner = bool(found(LEARNERS, lead.role))
    buying, against = _wishes(lead)
    checks = (
        (domain in DISPOSABLE_MAIL, f"The address at {domain} is thrown away after use."),
        (not any(facts), "There is an address and nothing else."),
        (
            domain in FREE_MAIL and (size or 0) >= BIG,
            f"It claims a company of {size or 0:,} people, but writes from {domain}.",
        ),
        (learner and bool(buying), "A learner asks like a buyer."),
        (bool(buying and against), "The message both wants to buy and does not."),
        (
            lead.employees is not None and size is None,
            f"The size {one_line(lead.employees)!r} cannot be read.",
        ),
        (bool(_LINK.search(lead.name or "")), "The name contains a web address."),
        (gives_orders(_texts(lead)), GIVES_ORDERS),
    )
    return [reason for holds, reason in checks if holds]


def _domain(lead: NewLead) -> str:
    return lead.email.rpartition("@")[2].lower()


def _mail(lead: NewLead) -> Points:
    domain = _domain(lead)
    if domain in DISPOSABLE_MAIL:
        return [(-60, f"The address at {domain} is a disposable one")]
    if domain in FREE_MAIL:
        return [(0, f"The address at {domain} is a private one")]
    return [(25, f"The address at {one_line(domain)} is a company's")]


def _people(profile: Profile) -> int | None:
    """How many people a company says on its site that it has."""
    said = _PEOPLE.search(profile.text)
    return count(said[1]) if said else None


def _size(size: int | None) -> Points:
    if size is None:
        return [(0, "The size of the company is not known")]
    points = next((points for least, points in SIZE_POINTS if size >= least), 0)
    return [(points, f"The company has {size:,} people or so")]


def _message(lead: NewLead) -> Points:
    buying, against = _wishes(lead)
    hurry = found(HURRY, lead.message)
    rules = (
        (min(30, 10 * len(buying)), "The message speaks of", buying),
        (10, "The message is in a hurry:", hurry),
        # Whoever wants and does not want is half a lead, and a case for a person.
        (-10 if buying else -40, "The message does not sound like buying:", against),
    )
    return [(points, f"{text} {', '.join(words)}") for points, text, words in rules if words]


def _wishes(lead: NewLead) -> tuple[list[str], list[str]]:
    """What in the message sounds like buying, and what does not: "no budget" is no budget."""
    against = found(NOT_BUYING, lead.message)
    denied = {word for phrase in against for word in phrase.split()}
    return [word for word in found(BUYING, lead.message) if word not in denied], against


def _orders(lead: NewLead) -> Points:
    return [(-60, GIVES_ORDERS.removesuffix("."))] if gives_orders(_texts(lead)) else []


def _texts(lead: NewLead) -> tuple[str | None, ...]:
    return (lead.name, lead.company, lead.role, lead.message, lead.source)


def _role(lead: NewLead) -> Points:
    if found(LEARNERS, lead.role):
        return [(-10, f"A {one_line(lead.role)} rarely buys")]
    if found(DECIDERS, lead.role):
        return [(15, f"A {one_line(lead.role)} decides")]
    return []


def _source(lead: NewLead) -> Points:
    points = WARM_SOURCES.get((lead.source or "").casefold(), 0)
    return [(points, f"The lead comes by {one_line(lead.source)}")] if points else []


def _plain_name(lead: NewLead) -> str | None:
    return one_line(lead.name) if lead.name and not _LINK.search(lead.name) else None
