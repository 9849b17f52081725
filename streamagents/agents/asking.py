"""`ctx.llm`, as agents see it. The room `llm/` stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from streamagents.ports import Usage

M = TypeVar("M", bound="BaseModel")

DEADLINE_S = 60.0
MAX_TOKENS = 4096
"""What a model thinks counts, too, and the models of 2026 think unasked."""
MAX_TURNS = 8
DEFAULT_MODEL = "claude-haiku-5-5"
"""Asked where nobody names one: the cheapest of its generation. Most events ask for a label, a
score or a short draft; a larger model is one argument away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One answer that this attempt got, now or from an earlier attempt's steps."""

    step: str
    """The path it is stored under."""
    provider: str
    model: str
    usage: Usage
    request_id: str
    usd: float | None
    """What it cost; None where the price is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsResult:
    """How a tool loop ended."""

    text: str
    """The model's last words."""
    turns: int
    called: list[str] = field(default_factory=list)
    """The names of the tools that ran, in order."""


class LLM(Protocol):
    """Asks a model. Each call is a durable step: an answer is paid for once.

    All methods take

    * `prompt`: what to do, by you; it is sent as it is, so keep the event's text out of it;
    * `data`: what it is to be done with: JSON, a text or a pydantic model. Whatever stands in it is
      marked as data, never as instructions;
    * `name`: of the step; default `<method>-<n>` in call order;
    * `system`: who the model is to be;
    * `model`, `max_tokens`, `timeout_s`: instead of the settings; the deadline of one call;
    * `rules`: called without a model (provider `rules`) for the answer.

    Raises:
        ModelError: no usable answer: a failure, tried again.
        ModelBusyError: parks the event.
        ModelRefusedError: dead-letters it.
    """

    @property
    def provider(self) -> str:
        """Who answers: anthropic, rules, replay."""

    @property
    def calls(self) -> Sequence[Call]:
        """The answers of this attempt so far."""

    async def text(
        self,
        prompt: str,
        *,
        data: Any = None,
        name: str | None = None,
        system: str = "",
        model: str | None = None,
        max_tokens: int = MAX_TOKENS,
        timeout_s: float = DEADLINE_S,
        rules: Callable[[], str] | None = None,
    ) -> str:
        """A text."""

    async def extract(
        self,
        kind: type[M],
        prompt: str,
        *,
        data: Any = None,
        name: str | None = None,
        system: str = "",
        model: str | None = None,
        max_tokens: int = MAX_TOKENS,
        timeout_s: float = DEADLINE_S,
        rules: Callable[[], M] | None = None,
    ) -> M:
        """A pydantic model, validated; a bad answer is sent back once with what is wrong."""

    async def run_tools(
        self,
        prompt: str,
        tools: Sequence[Any],
        *,
        data: Any = None,
        name: str | None = None,
        system: str = "",
        model: str | None = None,
        max_tokens: int = MAX_TOKENS,
        timeout_s: float = DEADLINE_S,
        max_turns: int = MAX_TURNS,
        rules: Callable[[], str] | None = None,
    ) -> ToolsResult:
        """Let the model call tools: functions, or what `streamagents.llm.tool` made of them."""
