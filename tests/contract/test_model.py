"""What every provider promises: the fake, the rules, a recording, and Claude's on a stub."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamagents.llm.prompts import user_message
from streamagents.llm.providers.anthropic import AnthropicModel
from streamagents.llm.providers.replay import RecordingModel, ReplayModel
from streamagents.llm.providers.rules import RulesModel
from streamagents.ports import Answer, Question
from streamagents.testing import FakeContext, FakeModel
from support.messages_api import Asked, MessagesApi, Reply, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.ports import Model

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}},
    "required": ["label"],
}
TEXT = Question(
    model="m-1", system="s", messages=(user_message("Summarise.", "bad"),), max_tokens=50
)
JSON = Question(
    model="m-1", system="s", messages=(user_message("Judge.", "bad"),), max_tokens=50, schema=SCHEMA
)
NAMES = ["fake", "rules", "replay", "anthropic"]


def fake() -> FakeModel:
    return FakeModel(lambda question: "A text." if question.schema is None else {"label": "bad"})


def stub(asked: Asked) -> Reply:
    return says('{"label": "bad"}' if "output_config" in asked.body else "A text.", model="m-1")


@pytest.fixture(params=NAMES)
async def model(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Model]:
    with MessagesApi(stub) as api:
        path = tmp_path / "answers.jsonl"
        recording = RecordingModel(fake(), path)
        for question in (TEXT, JSON):
            await recording.answer(question)
        made: dict[str, Model] = {
            "fake": fake(),
            "rules": RulesModel(),
            "replay": ReplayModel(path),
            "anthropic": AnthropicModel(api_key="k", base_url=api.url),
        }
        yield made[request.param]
        await asyncio.gather(*(each.close() for each in made.values()))


async def test_a_text_is_answered_whole(model: Model) -> None:
    await model.open()
    await model.open()

    answer = await model.answer(TEXT)

    assert answer.text.strip()
    assert [block["type"] for block in answer.content] == ["text"]
    assert (answer.stop_reason, answer.model, answer.usd) == ("end_turn", "m-1", None)
    assert answer.provider == model.name
    assert answer.usage.input_tokens >= 0


async def test_a_schema_is_answered_with_json(model: Model) -> None:
    assert (await model.answer(JSON)).text.replace(" ", "") == '{"label":"bad"}'


async def test_many_ask_at_once(model: Model) -> None:
    answers = await asyncio.gather(*(model.answer(TEXT) for _ in range(50)))

    assert len({answer.text for answer in answers}) == 1


async def test_who_is_cancelled_disturbs_nobody(model: Model) -> None:
    asking = [asyncio.ensure_future(model.answer(TEXT)) for _ in range(10)]
    await asyncio.sleep(0)
    for each in asking[:5]:
        each.cancel()

    said = await asyncio.gather(*asking, return_exceptions=True)

    assert all(not isinstance(one, BaseException) for one in said[5:])


async def test_it_is_closed_also_unused_and_twice(model: Model) -> None:
    await model.close()
    await model.close()


async def test_its_answers_are_kept_in_steps_and_read_back(model: Model) -> None:
    first = FakeContext(model=Same(model))
    said = await first.llm.text("Summarise.", data="bad", name="x")

    again = FakeContext(model=FakeModel(), steps=first.steps)

    assert await again.llm.text("Summarise.", data="bad", name="x") == said
    assert again.llm.calls[0].provider == model.name


class Same:
    """Asks one of the two questions, whatever is asked: a recording knows no other."""

    def __init__(self, inner: Model) -> None:
        self._inner, self.name = inner, inner.name

    async def open(self) -> None:
        await self._inner.open()

    async def answer(self, question: Question) -> Answer:
        return await self._inner.answer(TEXT)

    async def close(self) -> None: ...
