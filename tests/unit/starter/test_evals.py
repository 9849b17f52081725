"""The evals: that the cases are what they say, and that the figures tell good from bad."""

from __future__ import annotations

from collections import Counter

import pytest

from evals.cases import SUBJECTS, Subject
from evals.run import evaluate
from streamagents.llm.providers.rules import RulesModel
from streamagents.ports import Usage
from streamagents.testing import FakeModel

FLOORS = {
    "lead": (0.90, 0.75),
    "recovery": (0.95, 0.85),
    "monitoring": (0.80, 0.60),
    "onboarding": (0.95, 0.80),
    "competitor": (0.90, 0.85),
    "link": (0.95, 0.75),
    "fallback": (0.95, 0.85),
}
"""What the rules reached, less a case or two: a change of them may not fall behind."""


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_there_are_sixty_cases_a_third_awkward_and_half_of_them_held_back(subject: Subject) -> None:
    cases = subject.cases()
    halves = Counter((case.half, bool(case.awkward)) for case in cases)
    assert len(cases) >= 60
    assert 3 * sum(bool(case.awkward) for case in cases) >= len(cases)
    assert halves.keys() == {(half, odd) for half in ("tune", "held") for odd in (True, False)}
    assert all(abs(halves["tune", odd] - halves["held", odd]) <= 1 for odd in (True, False))
    assert len({case.id for case in cases}) == len(cases)
    kinds = {"two languages", "mixed", "empty", "hostile", "irony"}
    assert kinds <= {case.awkward for case in cases}


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
async def test_the_rules_keep_what_they_reached(subject: Subject) -> None:
    score = await evaluate(subject, RulesModel())
    tune, held = FLOORS[subject.name]
    assert score.tune >= tune
    assert score.held >= held
    assert (score.errors, score.usd, score.provider) == (0, 0.0, "rules")


async def test_a_model_that_says_always_the_same_scores_low_and_costs_what_it_costs() -> None:
    (monitoring,) = (subject for subject in SUBJECTS if subject.name == "monitoring")
    view = {
        "sentiment": "neutral", "angry": False, "urgency": "low", "language": "en",
        "reasons": ["None."], "draft": "",
    }  # fmt: skip
    model = FakeModel(lambda _: view, usage=Usage(input_tokens=1_000_000))
    score = await evaluate(monitoring, model)
    assert score.held < 0.5
    assert score.usd is not None
    assert score.usd > 1
    assert {wrong["got"]["sentiment"] for wrong in score.wrong} == {"neutral"}


async def test_an_agent_that_fails_is_wrong_and_counted() -> None:
    (lead,) = (subject for subject in SUBJECTS if subject.name == "lead")
    score = await evaluate(lead, FakeModel(lambda _: "nonsense"))
    assert (score.tune, score.held, score.errors) == (0.0, 0.0, score.cases)
