"""`make evals`: each agent over its labelled cases, on each provider that there is.

The rules always run. Recorded answers run where a file of them is named, a real model where there
is a key; what was not run is said, and why.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import sys
from typing import TYPE_CHECKING

import structlog

from evals.cases import SUBJECTS
from evals.run import evaluate
from streamagents.llm.providers.rules import RulesModel
from streamagents.runtime.models import build_model
from streamagents.settings import load_settings

if TYPE_CHECKING:
    from evals.run import Score
    from streamagents.ports import Answer, Model, Question
    from streamagents.settings import Settings

HEAD = (
    f"{'agent':<12}{'provider':<11}{'cases':>6}{'tune':>7}{'held':>7}{'awkward':>9}{'errors':>8}"
    f"{'USD':>9}{'p50 ms':>9}{'p95 ms':>9}"
)


def providers(settings: Settings, only: str | None) -> tuple[list[Model], list[str]]:
    """Who is asked, and for whom not, in words."""
    models: list[Model] = [RulesModel()]
    left_out = []
    if settings.llm_recordings is None:
        left_out.append("replay was not run: STREAMAGENTS_LLM_RECORDINGS names no file.")
    elif not settings.llm_record:
        models.append(build_model(settings.model_copy(update={"llm": "replay"})))
    if settings.anthropic_api_key is None and settings.anthropic_auth_token is None:
        left_out.append("anthropic was not run: there is no ANTHROPIC_API_KEY.")
    else:
        models.append(build_model(settings.model_copy(update={"llm": "anthropic"})))
    return [model for model in models if only in {None, model.name}], left_out


class Named:
    """Asks the model of the settings: a test's context knows only the default one."""

    def __init__(self, model: Model, named: str) -> None:
        self.name = model.name
        self._model, self._named = model, named
        self.open, self.close = model.open, model.close

    async def answer(self, question: Question) -> Answer:
        """Ask."""
        return await self._model.answer(dataclasses.replace(question, model=self._named))


def line(score: Score) -> str:
    """A row of the table."""
    usd = "unknown" if score.usd is None else f"{score.usd:.4f}"
    return (
        f"{score.agent:<12}{score.provider:<11}{score.cases:>6}{score.tune:>7.0%}{score.held:>7.0%}"
        f"{score.awkward:>9.0%}{score.errors:>8}{usd:>9}{score.p50_s * 1000:>9.1f}"
        f"{score.p95_s * 1000:>9.1f}"
    )


async def run(args: argparse.Namespace) -> None:
    """Run and print."""
    settings = load_settings()
    models, left_out = providers(settings, args.provider)
    scores: list[Score] = []
    for model in (Named(model, settings.model) for model in models):
        await model.open()
        try:
            subjects = [one for one in SUBJECTS if args.agent in {None, one.name}]
            scores += [await evaluate(subject, model) for subject in subjects]
        finally:
            await model.close()
    if args.json:
        told = {"scores": [dataclasses.asdict(score) for score in scores], "left_out": left_out}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    rows = [HEAD, *(line(score) for score in scores), *left_out]
    if args.wrong:
        rows += [json.dumps(one, ensure_ascii=False) for score in scores for one in score.wrong]
    sys.stdout.write("\n".join(rows) + "\n")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="evals", description=__doc__)
    parser.add_argument("--agent", choices=[subject.name for subject in SUBJECTS])
    parser.add_argument("--provider", choices=["rules", "replay", "anthropic"])
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument(
        "--wrong", action="store_true", help="what was wrong in the half to tune on"
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(run(parser.parse_args()))


main()
