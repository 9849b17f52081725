"""`FakeModel` says what its script says, and nothing else."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from streamagents.ports import Answer, Question
from streamagents.testing import FakeModel, ToolUse

QUESTION = Question(
    model="m",
    system="",
    messages=({"role": "user", "content": [{"type": "text", "text": "How is it?"}]},),
    max_tokens=10,
)


class Score(BaseModel):
    score: int


async def test_answers_come_in_order_and_questions_are_kept() -> None:
    whole = Answer(content=(), stop_reason="refusal", model="m", provider="x")
    model = FakeModel(["a", {"b": 1}, Score(score=2), whole, lambda question: question.model])

    said = [await model.answer(QUESTION) for _ in range(5)]

    assert [answer.text for answer in said] == ["a", '{"b":1}', '{"score":2}', "", "m"]
    assert said[3] is whole
    assert model.questions == [QUESTION] * 5


async def test_tools_are_called_alone_or_at_once() -> None:
    model = FakeModel([ToolUse("a"), [ToolUse("b", {"x": 1}), ToolUse("c")]])

    one, two = await model.answer(QUESTION), await model.answer(QUESTION)

    assert one.stop_reason == two.stop_reason == "tool_use"
    assert [block["name"] for block in (*one.content, *two.content)] == ["a", "b", "c"]
    assert len({block["id"] for block in (*one.content, *two.content)}) == 3


async def test_an_error_of_the_script_is_raised() -> None:
    with pytest.raises(ValueError, match="so it goes"):
        await FakeModel([ValueError("so it goes")]).answer(QUESTION)


async def test_a_script_that_is_over_says_so_and_what_was_asked() -> None:
    model = FakeModel(["a"])
    await model.answer(QUESTION)

    with pytest.raises(AssertionError, match=r"ends after 1 answers, .*How is it\?"):
        await model.answer(QUESTION)
