"""`rules`: answers without a model, the same ones always. It claims no intelligence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import to_json

from streamagents.llm.prompts import data_of, prompt_of
from streamagents.llm.providers.filling import fill
from streamagents.ports import Answer

if TYPE_CHECKING:
    from streamagents.ports import Question

NAME = "rules"
_SHOWN_CHARS = 80
_SHOWN_FIELDS = 12


class RulesModel:
    """Answers by the caller's `rules`, else with a filler that says what it is."""

    name = NAME

    async def open(self) -> None:
        """Nothing to do."""

    async def answer(self, question: Question) -> Answer:
        """Answer at once, for nothing. Tools are never called."""
        if question.rules is not None:
            text = _as_text(question.rules())
        elif question.schema is not None:
            seen = data_of(question)
            words = seen if isinstance(seen, str) else to_json(seen).decode()
            text = to_json(fill(question.schema, words)).decode()
        else:
            text = filler(question)
        return Answer(
            content=({"type": "text", "text": text},),
            stop_reason="end_turn",
            model=question.model,
            provider=NAME,
        )

    async def close(self) -> None:
        """Nothing is open."""


def filler(question: Question) -> str:
    """A text that says that nobody thought about the question, and what it was."""
    asked = _short(prompt_of(question))
    return (
        f"[rules] No model is configured (provider=rules), so nobody thought about this: {asked!r}"
        f"{_seen(data_of(question))}."
    )


def _seen(data: Any) -> str:
    if data is None:
        return ""
    if isinstance(data, dict):
        names = [_short(name) for name in data]
        more = ", ..." if len(names) > _SHOWN_FIELDS else ""
        return f", with the fields {', '.join(names[:_SHOWN_FIELDS])}{more}"
    if isinstance(data, str):
        return f", with the text {_short(data)!r}"
    return f", with data of {len(to_json(data)):,} bytes"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 3]}..."


def _as_text(said: Any) -> str:
    if isinstance(said, str):
        return said
    if isinstance(said, BaseModel):
        return said.model_dump_json(by_alias=True)
    return to_json(said).decode()
