"""`Llm`: what `ctx.llm` is. Each call of the model is a durable step."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from streamagents.agents.asking import DEADLINE_S, MAX_TOKENS, MAX_TURNS, Call, ToolsResult
from streamagents.agents.steps import in_step
from streamagents.errors import ConfigurationError, ModelRefusedError
from streamagents.llm import prompts
from streamagents.llm.prompts import told_apart_by
from streamagents.llm.reading import call_of, read, read_at_last, schema_of, something
from streamagents.llm.tools.tool import as_tools
from streamagents.llm.tools.using import Hands
from streamagents.ports import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from streamagents.agents import Context
    from streamagents.llm.asker import Asker, Who

M = TypeVar("M", bound=BaseModel)

LONGEST_S = 600.0
"""No call may take longer, whatever is asked for."""
_MOST_TOKENS = 128_000
_MOST_TURNS = 100


class Llm:
    """Asks on behalf of one attempt: the Protocol `LLM`.

    Args:
        asker: asks the provider.
        who: the agent and the event.
        ctx: the attempt's, for tools.
        step: runs a durable step of the attempt.
        in_thread: runs a plain function beside the event loop.
    """

    def __init__(
        self,
        asker: Asker,
        who: Who,
        ctx: Context,
        *,
        step: Callable[[str, Callable[..., Any], tuple[Any, ...]], Awaitable[Any]],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self._asker, self._who, self._step = asker, who, step
        self._ctx, self._in_thread = ctx, in_thread
        self._unnamed: Counter[tuple[str, str]] = Counter()
        self._calls: list[Call] = []

    @property
    def provider(self) -> str:
        """Who answers: anthropic, rules, replay."""
        return self._asker.provider

    @property
    def calls(self) -> tuple[Call, ...]:
        """The answers of this attempt so far."""
        return tuple(self._calls)

    def text(
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
    ) -> Coroutine[Any, Any, str]:
        """A text; see `LLM` for what is raised."""
        step = self._step_name("text", name)
        question = self._question(prompt, data, system, model, max_tokens)
        return self._text(step, replace(question, rules=rules), _deadline(timeout_s))

    def extract(
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
    ) -> Coroutine[Any, Any, M]:
        """A pydantic model, validated; see `LLM` for what is raised."""
        step = self._step_name("extract", name)
        question = self._question(prompt, data, system, model, max_tokens)
        question = replace(question, schema=schema_of(kind), rules=rules)
        return self._extract(step, kind, question, _deadline(timeout_s))

    def run_tools(
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
    ) -> Coroutine[Any, Any, ToolsResult]:
        """Let the model call tools; see `LLM` for what is raised."""
        if isinstance(max_turns, bool) or max_turns not in range(1, _MOST_TURNS + 1):
            raise ValueError(f"ctx.llm: max_turns={max_turns!r} is from 1 to {_MOST_TURNS}.")
        step = self._step_name("run_tools", name)
        made = as_tools(tools)
        question = replace(
            self._question(prompt, data, system, model, max_tokens),
            tools=tuple(each.definition for each in made.values()),
            rules=rules,
        )
        hands = Hands(made, self._ctx, step=self._step, in_thread=self._in_thread)
        return self._run_tools(step, question, hands, _deadline(timeout_s), max_turns)

    async def _run_tools(
        self, step: str, question: Question, hands: Hands, timeout_s: float, max_turns: int
    ) -> ToolsResult:
        for turn in range(1, max_turns + 1):
            answer = await self._ask(f"{step}-turn-{turn}", question, timeout_s)
            uses = [block for block in answer.content if block["type"] == "tool_use"]
            if not uses:
                return ToolsResult(text=answer.text, turns=turn, called=hands.called)
            if turn == max_turns:
                break
            results = await hands.use(f"{step}-tool-{turn}", uses)
            said = (
                {"role": "assistant", "content": list(answer.content)},
                {"role": "user", "content": results},
            )
            question = replace(question, messages=(*question.messages, *said))
        raise ModelRefusedError(
            f"The model {question.model} still asked for tools after {max_turns} turns: allow more "
            "with max_turns=, or ask for less.",
            code="max_turns",
            request_id=answer.request_id,
        )

    async def _text(self, step: str, question: Question, timeout_s: float) -> str:
        return (await self._ask(step, question, timeout_s, something)).text

    async def _extract(self, step: str, kind: type[M], question: Question, timeout_s: float) -> M:
        answer = await self._ask(step, question, timeout_s)
        try:
            return read(kind, answer)
        except ValidationError as exc:
            turn = prompts.repair_turn(answer, prompts.faults_of(exc))
        question = replace(question, messages=(*question.messages, *turn))
        # Looked at before it is stored: the next attempt is to ask again, not to fail the same way.
        last = partial(read_at_last, kind)
        return last(await self._ask(f"{step}-repair", question, timeout_s, last))

    async def _ask(
        self,
        name: str,
        question: Question,
        timeout_s: float,
        check: Callable[[Answer], Any] = lambda _: None,
    ) -> Answer:
        """Ask in a step; what `check` raises is not kept, and the next attempt asks again."""
        parent = in_step()
        path = f"{parent}/{name}" if parent else name
        asking = _Asking(self._asker, replace(self._who, step=path), question, timeout_s, check)
        answer: Answer = await self._step(name, asking.answer, told_apart_by(question))
        self._calls.append(call_of(path, answer))
        return answer

    def _step_name(self, method: str, name: str | None) -> str:
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a thread's: nobody could await what is returned
            raise ConfigurationError(
                f"ctx.llm.{method}(...) is awaited: the function that calls it, be it run() or a "
                "step's, is written as `async def`."
            ) from None
        if name is not None:
            return name
        place = (in_step(), method)
        self._unnamed[place] += 1
        return f"{method}-{self._unnamed[place]}"

    def _question(
        self, prompt: str, data: Any, system: str, model: str | None, max_tokens: int
    ) -> Question:
        whole = isinstance(max_tokens, int) and not isinstance(max_tokens, bool)
        if not whole or not 0 < max_tokens <= _MOST_TOKENS:
            raise ValueError(
                f"ctx.llm: max_tokens={max_tokens!r} is a whole number from 1 to {_MOST_TOKENS:,}."
            )
        return Question(
            model=model or self._asker.default_model,
            system=prompts.system_text(system),
            messages=(prompts.user_message(prompt, data),),
            max_tokens=max_tokens,
        )


class _Asking:
    """One question, as a function that a step can run."""

    def __init__(
        self,
        asker: Asker,
        who: Who,
        question: Question,
        timeout_s: float,
        check: Callable[[Answer], Any],
    ) -> None:
        self._asker, self._who, self._question = asker, who, question
        self._timeout_s, self._check = timeout_s, check

    async def answer(self, *_told_apart_by: Any) -> Answer:
        """Ask."""
        answer = await self._asker.ask(self._question, self._who, self._timeout_s)
        self._check(answer)
        return answer


def _deadline(timeout_s: float) -> float:
    number = isinstance(timeout_s, (int, float)) and not isinstance(timeout_s, bool)
    if not number or not 0 < timeout_s <= LONGEST_S:
        raise ValueError(
            f"ctx.llm: timeout_s={timeout_s!r} is a number of seconds above 0, at most "
            f"{LONGEST_S:.0f}."
        )
    return timeout_s
