"""`FakeModel`: a model that says what a test wrote down for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import to_json

from streamagents.ports import Answer, Question, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = "fake"
_NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model calls a tool; several in a list are called at once."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)


class FakeModel:
    """The port `Model` by script: each question gets the next answer.

    ```python
    model = FakeModel([{"score": 7}, ToolUse("search", {"query": "Nordwind"}), "All done."])
    ctx = FakeContext(model=model)
    ```

    Args:
        answers: in order: a text; a dict or a pydantic model, as JSON; a `ToolUse` or a list of
            them; a whole `Answer`; an error to be raised; or a function of the question that
            returns one of these. A function in place of the list answers every question.
        usage: of each answer that does not bring its own.
    """

    name = NAME

    def __init__(
        self,
        answers: Iterable[Any] | Callable[[Question], Any] = (),
        *,
        usage: Usage = _NO_USAGE,
    ) -> None:
        self.questions: list[Question] = []
        """What was asked, in order."""
        self._each = answers if callable(answers) else None
        self._next: Iterator[Any] = iter(()) if callable(answers) else iter(answers)
        self._usage = usage

    async def open(self) -> None:
        """Nothing to do."""

    async def answer(self, question: Question) -> Answer:
        """The next answer of the script.

        Raises:
            AssertionError: the script is over.
            BaseException: what the script says.
        """
        self.questions.append(question)
        said = self._each or next(self._next, _OVER)
        if callable(said) and not isinstance(said, type):
            said = said(question)
        if said is _OVER:
            raise AssertionError(
                f"The script of this FakeModel ends after {len(self.questions) - 1} answers, and "
                f"one more was asked for: {question.messages[-1]['content']!r:.300}"
            )
        if isinstance(said, BaseException):
            raise said
        return self._whole(said, question)

    async def close(self) -> None:
        """Nothing is open."""

    def _whole(self, said: Any, question: Question) -> Answer:
        if isinstance(said, Answer):
            return said
        content = _content(said, len(self.questions))
        return Answer(
            content=content,
            stop_reason="tool_use" if content[-1]["type"] == "tool_use" else "end_turn",
            model=question.model,
            provider=NAME,
            usage=self._usage,
            request_id=f"req_fake_{len(self.questions)}",
        )


_OVER = object()


def _content(said: Any, number: int) -> tuple[Mapping[str, Any], ...]:
    uses = [said] if isinstance(said, ToolUse) else said
    if isinstance(uses, Sequence) and uses and all(isinstance(use, ToolUse) for use in uses):
        return tuple(
            {
                "type": "tool_use",
                "id": f"toolu_{number}_{place}",
                "name": use.name,
                "input": dict(use.input),
            }
            for place, use in enumerate(uses, 1)
        )
    if isinstance(said, BaseModel):
        said = said.model_dump_json(by_alias=True)
    text = said if isinstance(said, str) else to_json(said).decode()
    return ({"type": "text", "text": text},)
