"""The lead agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.starter.events import LeadScored, NewLead, ReviewNeeded
from streamagents.starter.lead import LeadEnrichmentAgent, employees, greeting, score
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from streamagents.events import Event

MAIL = "ana@acme-robotics.com"
PLAIN = {"email": MAIL, "name": "Ana", "company": "Acme", "message": "hello"}


def lead(**fields: Any) -> NewLead:
    return NewLead(**(PLAIN | fields))


async def emitted(event: NewLead) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(type="new_lead")
    await LeadEnrichmentAgent().run(event, ctx)
    return ctx.emitted


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({}, "cold"),
        ({"email": "ana@gmail.com"}, "cold"),
        ({"employees": 500}, "warm"),
        ({"message": "Can we get a demo?"}, "warm"),
        ({"employees": "enterprise", "role": "Head of Sales"}, "hot"),
        ({"message": "Please send a quote, we want to buy this week"}, "warm"),
        ({"message": "Demo, pricing and contract please, asap"}, "hot"),
        ({"message": "Bitte ein Angebot mit Preisen und Vertrag, dringend", "role": "CEO"}, "hot"),
        ({"message": "We sell SEO services and backlinks"}, "cold"),
        ({"role": "Student", "employees": 60}, "warm"),
    ],
)
def test_a_tier_follows_from_the_fields(fields: dict[str, Any], tier: str) -> None:
    assert score(lead(**fields)).tier == tier


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "ana@gmail.com"},
        {"employees": 20},
        {"message": "price?"},
        {"role": "CTO"},
        {"source": "referral"},
    ],
)
async def test_two_leads_that_differ_in_one_field_get_different_results(
    changed: dict[str, Any],
) -> None:
    assert await emitted(lead()) != await emitted(lead(**changed))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"email": "ana@mailinator.com"}, "thrown away"),
        ({"name": None, "company": None, "message": None}, "nothing else"),
        ({"email": "ana@gmx.de", "employees": "20k"}, "20,000"),
        ({"role": "Intern", "message": "pricing?"}, "learner"),
        ({"message": "Not interested, but send a demo"}, "both"),
        ({"employees": "lots"}, "'lots'"),
        ({"name": "Win at https://evil.test"}, "web address"),
    ],
)
async def test_an_odd_lead_goes_to_a_person_as_well(fields: dict[str, Any], word: str) -> None:
    scored, review = await emitted(lead(**fields))
    assert isinstance(scored, LeadScored)
    assert isinstance(review, ReviewNeeded)
    assert word in " ".join(review.reasons)
    assert scored.decision == "ask_a_person"
    assert review.draft == scored.draft
    assert (review.subject, review.about) == (lead(**fields).email, "new_lead")


async def test_a_plain_lead_needs_nobody() -> None:
    (scored,) = await emitted(lead(role="CTO", employees=300))
    assert isinstance(scored, LeadScored)
    assert scored.provider == "rules"
    assert scored.decision == "call_today"
    assert scored.score == 25 + 20 + 15
    assert "(+15)" in " ".join(scored.reasons)
    assert scored.draft.startswith("Hello Ana,")
    assert scored.event_key() == MAIL.encode()


@pytest.mark.parametrize(
    ("written", "people"),
    [("Mittelstand", 100), ("an early startup", 10), ("solo", 1), ("", None), (None, None)],
)
def test_a_company_is_sized_by_number_or_word(written: str | None, people: int | None) -> None:
    assert employees(written) == people


@pytest.mark.parametrize(
    "text",
    ["", " ", "x" * 200_000, "我想要一个演示", "🔥🔥🔥", "$name ${x} %s {0}", "\x00\r\nBcc: a"],
)
def test_hostile_text_is_scored_and_answered(text: str) -> None:
    odd = lead(name=text, company=text, message=text, role=text, source=text, employees=text)
    result = score(odd)
    assert result.tier == "cold"
    assert len(greeting(odd, result.tier)) < 600
    assert all(len(reason) < 300 for reason in (*result.reasons, *result.odd))


def test_no_budget_is_not_a_budget() -> None:
    denied = score(lead(message="We have no budget"))
    assert not denied.odd
    assert denied.points < score(lead(message="We have a budget")).points
