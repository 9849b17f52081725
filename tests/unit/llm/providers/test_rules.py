"""`rules`: the same answer always, for nothing, and it says what it is."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, EmailStr, Field

from streamagents.errors import ModelError
from streamagents.llm.providers.filling import fill
from streamagents.ports import Usage
from streamagents.testing import FakeContext


class Urgency(Enum):
    LOW = "low"
    VERY_HIGH = "very_high"


class Tag(BaseModel):
    name: str


class Judged(BaseModel):
    sentiment: Literal["positive", "negative", "neutral"]
    urgency: Urgency
    score: int = Field(ge=1, le=10)
    share: float = Field(gt=0, lt=1)
    draft: str
    short: Annotated[str, Field(max_length=5)]
    mail: EmailStr
    on: date
    spam: bool
    tags: list[Tag] = Field(min_length=2)
    maybe: str | None
    count: int = 42


async def test_without_rules_of_the_agent_a_text_says_that_nobody_thought() -> None:
    ctx = FakeContext()

    text = await ctx.llm.text("Write a reply to this mention.", data={"author": "x", "text": "y"})

    assert text == (
        "[rules] No model is configured (provider=rules), so nobody thought about this: "
        "'Write a reply to this mention.', with the fields author, text."
    )
    (call,) = ctx.llm.calls
    assert (call.provider, call.usage, call.request_id) == ("rules", Usage(), "")


async def test_the_agents_rules_answer_in_place_of_a_model() -> None:
    ctx = FakeContext()

    assert await ctx.llm.text("a", rules=lambda: "by rule") == "by rule"
    assert await ctx.llm.text("a", rules=lambda: "") == ""
    assert (await ctx.llm.extract(Tag, "a", rules=lambda: Tag(name="b"))).name == "b"
    assert (await ctx.llm.run_tools("a", [], rules=lambda: "done")).text == "done"


async def test_a_schema_is_filled_by_simple_rules() -> None:
    data = {"text": "A NEGATIVE voice of very high weight, 7 of 10, share 0.25"}

    judged = await FakeContext().llm.extract(Judged, "Judge it.", data=data)

    assert judged == Judged(
        sentiment="negative",
        urgency=Urgency.VERY_HIGH,
        score=7,
        share=0.25,
        draft="[rules] no model is configured",
        short="[rule",
        mail="rules@example.com",
        on=date(1970, 1, 1),
        spam=False,
        tags=[Tag(name="[rules] no model is configured")] * 2,
        maybe=None,
    )


async def test_what_the_rules_cannot_fill_fails_as_any_other_answer() -> None:
    class Code(BaseModel):
        code: str = Field(pattern=r"^[A-Z]{3}$")

    with pytest.raises(ModelError) as caught:
        await FakeContext().llm.extract(Code, "a")

    assert caught.value.code == "invalid_answer"


@pytest.mark.parametrize(
    ("schema", "text", "filled"),
    [
        ({"enum": ["a", "b"]}, "none of them", "a"),
        ({"enum": ["a", "b"]}, "it is b", "b"),
        ({"enum": []}, "", None),
        ({"const": 3}, "", 3),
        ({"type": "integer"}, "no number", 0),
        ({"type": "integer", "minimum": 3}, "x 2 y 4", 4),
        ({"type": "integer", "minimum": 3}, "x 2", 3),
        ({"type": "integer", "maximum": -3}, "", -3),
        ({"type": "integer", "exclusiveMinimum": 3}, "", 4),
        ({"type": "number"}, "v1.2.3 or 0.5", 0.5),
        ({"type": "array", "items": {"type": "null"}}, "", []),
        ({"type": "array", "prefixItems": [{"const": 1}], "minItems": 1}, "", [1]),
        ({"type": "string", "minLength": 32}, "", "[rules] no model is configured.."),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "", None),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, "", 1),
        ({"type": "object", "additionalProperties": {}}, "", {}),
        ({}, "", None),
    ],
)
def test_filling(schema: dict[str, Any], text: str, filled: object) -> None:
    assert fill(schema, text) == filled


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {
        "$ref": "#/$defs/Tree",
        "$defs": {
            "Tree": {
                "type": "object",
                "properties": {"of": {"$ref": "#/$defs/Tree"}},
                "required": ["of"],
            }
        },
    }

    assert str(fill(tree, "")).count("of") == 10
