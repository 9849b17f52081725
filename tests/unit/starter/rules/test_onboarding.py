"""The rules for forms."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.starter.events import FormSubmit, Mail
from streamagents.starter.rules.onboarding import consent, permitted, view


def form(answers: Any = None, **fields: Any) -> FormSubmit:
    return FormSubmit(**({"email": "ana@acme.io", "consent": True, "answers": answers} | fields))


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
        ({"goal": "not support tickets, the API"}, "solo", "developer"),
        ({"goal": "sales and support"}, "solo", "guided"),
    ],
)
def test_plan_and_track_follow_from_the_answers(
    answers: dict[str, Any], plan: str, track: str
) -> None:
    seen = view(form(answers))
    assert (seen.plan, seen.track, seen.odd, seen.spam) == (plan, track, [], False)


@pytest.mark.parametrize(
    ("given", "agreed"),
    [(True, True), ("Ja", True), (1, True), ("on", True), (False, False), ("no", False),
     (0, False), (None, None), ("", None), ("on hold", None), ("maybe", None), (7, None)],
)  # fmt: skip
def test_consent_is_a_plain_yes_or_no(given: Any, *, agreed: bool | None) -> None:
    assert consent(form({"x": 1}, consent=given)) is agreed
    assert consent(form({"Consent": given}, consent=None)) is agreed


def test_whoever_refused_is_written_nothing() -> None:
    refused = form({"seats": 1}, consent="no")
    assert view(refused).sequence == []
    assert permitted(refused, [Mail(day=0, subject="Hello", text="a model's welcome")]) == []


@pytest.mark.parametrize("text", ["", "z" * 100_000, "Привет", "🙂", "$plan", "\r\nBcc: x@y.z"])
def test_hostile_answers_are_read_within_bounds(text: str) -> None:
    odd = form({text: text, "goal": text, "plan": text, "seats": text, "experience": text})
    seen = view(odd)
    assert all(len(mail.text) < 600 for mail in seen.sequence)
    assert all(len(reason) < 200 for reason in (*seen.reasons, *seen.odd))


@pytest.mark.parametrize(
    ("goal", "spam"),
    [
        ("Online casino at http://x.example", True),
        ("seo and backlinks", True),
        ("our crm is at https://crm.example", True),
        ("replace our spam filter", False),
        ("a casino's helpdesk", False),
        ("", False),
    ],
)
def test_advertising_is_told_from_a_goal(goal: str, *, spam: bool) -> None:
    assert view(form({"goal": goal, "seats": 2})).spam is spam


def test_without_a_yes_there_is_only_the_question_for_it() -> None:
    (mail,) = permitted(form({"seats": 1}, consent=None), [Mail(day=0, subject="Hi", text="x")])
    assert mail.subject == "May we write to you?"
