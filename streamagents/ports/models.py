"""Models: a question, its answer, and who gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - pydantic reads Answer back
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer. All that went in is `input + cache_write + cache_read`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to a model, whole, in the shapes of Anthropic's Messages API."""

    model: str
    system: str
    """The stable part; what comes from an event is never in here."""
    messages: tuple[Mapping[str, Any], ...]
    """Each with a role and a list of content blocks."""
    max_tokens: int
    tools: tuple[Mapping[str, Any], ...] = ()
    """Each with a name, a description and an `input_schema`."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None is plain text."""
    rules: Callable[[], Any] | None = field(default=None, compare=False)
    """Answers without a model: text, a pydantic model, or JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model said, whole: content blocks in the shapes of the Messages API."""

    content: tuple[Mapping[str, Any], ...]
    """`{"type": "text", "text": ...}`, `{"type": "tool_use", "id", "name", "input"}`, and what a
    model thought on the way, which nobody but it reads."""
    stop_reason: str
    """end_turn, tool_use, max_tokens, refusal, ..."""
    model: str
    provider: str
    """anthropic, rules, replay, or a fake's name."""
    usage: Usage = Usage()
    request_id: str = ""
    usd: float | None = None
    """What it cost, as whoever settled the call knows; None where that is not known."""
    requests: int = 1
    """Those that may have reached the provider: a try that failed is one, too."""

    @property
    def text(self) -> str:
        """All of its text blocks, one behind the other."""
        return "".join(block["text"] for block in self.content if block["type"] == "text")


class Model(Protocol):
    """Answers questions."""

    @property
    def name(self) -> str:
        """The provider's name, as it stands in every answer."""

    async def open(self) -> None:
        """Get ready, before the first question; an SDK may take seconds to load. Idempotent."""

    async def answer(self, question: Question) -> Answer:
        """Ask once. The caller sets the deadline and cancels it.

        Raises:
            ModelError: no usable answer; see `errors.py` for what its kinds ask for.
        """

    async def close(self) -> None:
        """Give connections back."""
