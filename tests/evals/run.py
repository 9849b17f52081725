"""Runs an agent over its cases on one provider, and counts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from evals.cases import NOW
from streamagents.errors import ModelBusyError, describe
from streamagents.llm.limits.prices import price_of
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evals.cases import Case, Outcome, Subject
    from streamagents.agents.asking import Call
    from streamagents.ports import Model

AT_ONCE = 8
TRIES, LONGEST_WAIT_S = 3, 60.0
"""Of a case, while the model is busy: the evals wait, where a worker would park."""
_MANY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one case."""

    case: Case
    got: Outcome
    seconds: float
    usd: float | None
    """None where a price is not known."""
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether all of the labels were met."""
        return self.got == self.case.expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of an agent."""

    agent: str
    provider: str
    cases: int
    tune: float
    held: float
    awkward: float
    errors: int
    usd: float | None
    p50_s: float
    p95_s: float
    wrong: list[dict[str, Any]] = field(default_factory=list)
    """Of the half that may be looked at."""


async def evaluate(subject: Subject, model: Model) -> Score:
    """Run all cases, some at once."""
    room = asyncio.Semaphore(AT_ONCE if model.name == "anthropic" else 1)

    async def one(case: Case) -> Answer:
        async with room:
            return await _answer(subject, case, model)

    answers = await asyncio.gather(*(one(case) for case in subject.cases()))
    return _score(subject.name, model.name, answers)


async def _answer(subject: Subject, case: Case, model: Model) -> Answer:
    for _ in range(TRIES - 1):
        try:
            return await _attempt(subject, case, model)
        except ModelBusyError as exc:
            await asyncio.sleep(min(exc.after_s, LONGEST_WAIT_S))
    try:
        return await _attempt(subject, case, model)
    except ModelBusyError as exc:
        return Answer(case=case, got={}, seconds=0.0, usd=0.0, error=describe(exc))


async def _attempt(subject: Subject, case: Case, model: Model) -> Answer:
    data = case.event if subject.model is None else subject.model.model_validate(case.event)
    ctx = FakeContext(event_id=case.id, now=NOW, type=case.type, key=case.id, model=model)
    begun, error, got = time.perf_counter(), "", {}
    try:
        await subject.agent.run(data, ctx)
        got = subject.read(ctx.emitted, case.expect)
    except ModelBusyError:
        raise
    except Exception as exc:  # noqa: BLE001 - an agent that fails is wrong, and counted as failed
        error = describe(exc)
    seconds = time.perf_counter() - begun
    usd = total(cost(call) for call in ctx.llm.calls)
    return Answer(case=case, got=got, seconds=seconds, usd=usd, error=error)


def cost(call: Call) -> float | None:
    """What an answer costs; of a recorded one, what it did cost. None: the price is not known."""
    if call.provider == "rules":
        return 0.0
    price = price_of(call.model, {})
    return None if price is None else price.nanos(call.usage) / 1e9


def total(prices: Iterable[float | None]) -> float | None:
    """The sum, where every price is known."""
    known = list(prices)
    return None if None in known else sum(price for price in known if price is not None)


def _score(agent: str, provider: str, answers: list[Answer]) -> Score:
    seconds = sorted(answer.seconds for answer in answers)
    marks = quantiles(seconds, n=20) if len(seconds) >= _MANY else seconds * 19
    return Score(
        agent=agent,
        provider=provider,
        cases=len(answers),
        tune=share(answer for answer in answers if answer.case.half == "tune"),
        held=share(answer for answer in answers if answer.case.half == "held"),
        awkward=share(answer for answer in answers if answer.case.awkward),
        errors=sum(bool(answer.error) for answer in answers),
        usd=total(answer.usd for answer in answers),
        p50_s=marks[9],
        p95_s=marks[18],
        wrong=[
            {
                "id": answer.case.id,
                "awkward": answer.case.awkward,
                "expected": answer.case.expect,
                "got": answer.got,
                "error": answer.error,
            }
            for answer in answers
            if not answer.right and answer.case.half == "tune"
        ],
    )


def share(answers: Iterable[Answer]) -> float:
    """How many of these are right, from 0 to 1."""
    marks = [answer.right for answer in answers]
    return sum(marks) / len(marks) if marks else 0.0
