"""The onboarding agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents import Reject
from streamagents.starter.events import FormSubmit, OnboardingStarted, ReviewNeeded
from streamagents.starter.onboarding import OnboardingAgent, begin, consent, welcome
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from streamagents.events import Event


def form(answers: Any = None, **fields: Any) -> FormSubmit:
    return FormSubmit(**({"email": "ana@acme.io", "consent": True, "answers": answers} | fields))


async def emitted(event: FormSubmit) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(type="form_submit")
    await OnboardingAgent().run(event, ctx)
    return ctx.emitted


@pytest.mark.parametrize(
    ("answers", "plan", "track"),
    [
        ({"seats": 1}, "solo", "guided"),
        ({"seats": 3}, "solo", "guided"),
        ({"seats": "4"}, "team", "guided"),
        ({"seats": 20}, "team", "guided"),
        ({"Team size": "21-50"}, "business", "guided"),
        ({"team-size": 2, "Plan": "Team"}, "team", "guided"),
        ({"Goal": "integrate with Kafka"}, "solo", "developer"),
        ({"use_case": ["crm", "leads"]}, "solo", "sales"),
        ({"Ziel": "Kundendienst"}, "solo", "support"),
        ({"goal": {"deep": ["tickets"]}}, "solo", "support"),
        ({"goal": None, "seats": "", "plan": "solo"}, "solo", "guided"),
    ],
)
def test_plan_and_track_follow_from_the_answers(
    answers: dict[str, Any], plan: str, track: str
) -> None:
    start = begin(form(answers))
    assert (start.plan, start.track, start.odd) == (plan, track, ())


@pytest.mark.parametrize(
    ("given", "agreed"),
    [(True, True), ("Ja", True), (1, True), ("on", True), (False, False), ("no", False),
     (0, False), (None, None), ("", None), ("on hold", None), ("maybe", None), (7, None)],
)  # fmt: skip
def test_consent_is_a_plain_yes_or_no(given: Any, *, agreed: bool | None) -> None:
    assert consent(form({"x": 1}, consent=given)) is agreed
    assert consent(form({"Consent": given}, consent=None)) is agreed


@pytest.mark.parametrize(
    ("answers", "agreed", "word"),
    [
        ({"seats": 2}, None, "no consent"),
        ({"seats": 2}, "no", "refused"),
        ({}, True, "no answers"),
        (None, True, "no answers"),
        ({"plan": "gold"}, True, "'gold'"),
        ({"plan": "solo", "seats": 50}, True, "50 people"),
        ({"seats": 0}, True, "no number of people"),
        ({"seats": "a few"}, True, "'a few'"),
        ({"seats": True}, True, "'True'"),
        ({"seats": ["x" * 9000]}, True, "no number of people"),
        ({"seats": 10**9}, True, "1,000,000,000"),
    ],
)
async def test_what_does_not_hold_goes_to_a_person_and_starts_nothing(
    answers: Any, agreed: Any, word: str
) -> None:
    (review,) = await emitted(form(answers, consent=agreed))
    assert isinstance(review, ReviewNeeded)
    assert word in " ".join(review.reasons)
    assert (review.subject, review.about) == ("ana@acme.io", "form_submit")


async def test_a_form_without_an_address_is_rejected() -> None:
    with pytest.raises(Reject, match="no email address"):
        await emitted(form({"seats": 1}, email=" "))


@pytest.mark.parametrize(
    "changed",
    [
        {"answers": {"seats": 9, "goal": "crm"}},
        {"answers": {"seats": 2, "goal": "api"}},
        {"consent": None},
        {"name": "Ana"},
    ],
)
async def test_two_forms_that_differ_in_one_field_get_different_results(
    changed: dict[str, Any],
) -> None:
    plain: dict[str, Any] = {"answers": {"seats": 2, "goal": "crm"}}
    assert await emitted(form(**plain)) != await emitted(form(**(plain | changed)))


async def test_a_good_form_starts_with_concrete_steps() -> None:
    answers = {"seats": 12, "goal": "our API", "experience": "beginner"}
    (started,) = await emitted(form(answers, name="Lena"))
    assert isinstance(started, OnboardingStarted)
    assert (started.plan, started.track, started.provider) == ("team", "developer", "rules")
    assert started.steps[0] == "Watch the five-minute introduction."
    assert started.draft.startswith("Hello Lena,\n\nwelcome! Your plan is team.")
    assert "4. Invite your colleagues." in started.draft


def test_whoever_refused_is_written_nothing() -> None:
    refused = form({"seats": 1}, consent="no")
    assert not welcome(refused, begin(refused))


@pytest.mark.parametrize("text", ["", "z" * 100_000, "Привет", "🙂", "$plan", "\r\nBcc: x@y.z"])
def test_hostile_answers_are_read_within_bounds(text: str) -> None:
    odd = form({text: text, "goal": text, "plan": text, "seats": text, "experience": text})
    start = begin(odd)
    assert len(welcome(odd, start)) < 600
    assert all(len(reason) < 200 for reason in (*start.reasons, *start.odd))
