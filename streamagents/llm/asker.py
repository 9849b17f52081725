"""Asking: one question to the provider, admitted, within its deadline, settled and logged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from streamagents.agents.asking import DEADLINE_S, DEFAULT_MODEL
from streamagents.errors import ModelBusyError, ModelError, ModelRefusedError

if TYPE_CHECKING:
    from streamagents.ports import Answer, Calls, Clock, Model, Question

log = structlog.stdlib.get_logger("streamagents.llm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """On whose behalf a question is asked."""

    agent: str
    event_id: str
    step: str = ""
    """The path of the step that keeps the answer."""
    wallet: Any = None
    """What the guard needs to know of the event's place; it alone looks into it."""


class Permit(Protocol):
    """Leave for one call."""

    async def settle(self, answer: Answer | None, error: BaseException | None) -> float | None:
        """Tell what became of it. Called once, also in a task that was cancelled: be quick.

        Args:
            answer: what was said; also where it cannot be used (refused, cut), for it is paid for.
            error: why there is none.

        Returns:
            What the answer cost in USD; None where that is not known.
        """


class Guard(Protocol):
    """Says before a call whether it may be made: rates, budgets, circuits."""

    async def admit(self, question: Question, who: Who) -> Permit:
        """Admit a call. What asks for more than a moment's wait is refused, not waited for.

        Raises:
            ModelBusyError: not now.
            ModelRefusedError: never.
        """


class OpenGuard:
    """Admits everything, and knows no prices."""

    async def admit(self, _question: Question, _who: Who) -> OpenGuard:
        """Admit."""
        return self

    async def settle(self, _answer: Answer | None, _error: BaseException | None) -> None:
        """Nothing was reserved."""


class Asker:
    """Asks a model; one a worker.

    Args:
        model: the provider.
        clock: the time, for the log.
        guard: limits that bite before the call.
        default_model: asked where the caller names none.
        calls: is told of each call.
    """

    def __init__(
        self,
        model: Model,
        *,
        clock: Clock,
        guard: Guard | None = None,
        default_model: str = DEFAULT_MODEL,
        calls: Calls | None = None,
    ) -> None:
        self.default_model = default_model
        self.calls = calls
        """Is told of each call, from when it is set."""
        self._model, self._clock = model, clock
        self.guard: Guard = guard or OpenGuard()

    @property
    def provider(self) -> str:
        """Who answers."""
        return self._model.name

    async def ask(self, question: Question, who: Who, timeout_s: float = DEADLINE_S) -> Answer:
        """Ask once.

        Args:
            question: the question.
            who: on whose behalf.
            timeout_s: the deadline of the call, as a whole.

        Raises:
            ModelError: no usable answer.
            ModelBusyError: not now.
            ModelRefusedError: never.
        """
        began = self._clock.monotonic()
        try:
            permit = await self.guard.admit(question, who)
        except (ModelBusyError, ModelRefusedError) as exc:
            # Of a pause, which was told, or of a budget: thousands may come, and nothing was asked.
            log.debug("llm_call", **self._told(question, who, began, error=exc))
            raise
        began = self._clock.monotonic()  # what it waited for its turn is not the provider's
        try:
            answer = await self._within(question, timeout_s)
        except BaseException as exc:  # whatever it is, and a cancel, too: what was reserved is free
            usd = await permit.settle(None, exc)
            told = self._told(question, who, began, error=exc, usd=usd)
            log.warning("llm_call", **told)
            self._tell(told, None)
            raise
        answer = replace(answer, usd=await permit.settle(answer, None))
        unusable = unusable_because(answer)
        told = self._told(question, who, began, answer=answer, error=unusable, usd=answer.usd)
        self._tell(told, answer)
        if unusable is not None:
            log.warning("llm_call", **told)
            raise unusable
        log.info("llm_call", **told)
        return answer

    async def _within(self, question: Question, timeout_s: float) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._model.answer(question)
        except TimeoutError as exc:
            raise ModelError(
                f"The model {question.model} gave no answer within {timeout_s:g} s.", code="timeout"
            ) from exc

    def _tell(self, told: dict[str, Any], answer: Answer | None) -> None:
        if self.calls is not None:
            self.calls.called(
                told["agent"],
                told["model"],
                told["outcome"],
                told["seconds"],
                usage=None if answer is None else answer.usage,
                usd=told["usd"],
            )

    def _told(
        self,
        question: Question,
        who: Who,
        began: float,
        *,
        answer: Answer | None = None,
        error: BaseException | None = None,
        usd: float | None = None,
    ) -> dict[str, Any]:
        told: dict[str, Any] = {
            "agent": who.agent,
            "event_id": who.event_id,
            "step": who.step,
            "provider": self.provider,
            "model": question.model,
            "request_id": getattr(answer or error, "request_id", ""),
            "outcome": outcome_of(error),
            "usd": usd,
            "seconds": round(self._clock.monotonic() - began, 3),
        }
        if answer is not None:
            used = answer.usage
            told["input_tokens"] = used.input_tokens
            told["output_tokens"] = used.output_tokens
            told["cache_write_tokens"] = used.cache_write_tokens
            told["cache_read_tokens"] = used.cache_read_tokens
        return told


def unusable_because(answer: Answer) -> ModelError | ModelRefusedError | None:
    """Why an answer cannot be used, by how it stopped; None if it can."""
    known = {"request_id": answer.request_id}
    match answer.stop_reason:
        case "refusal":
            return ModelRefusedError(
                f"The model {answer.model} refused to answer.", code="refused", **known
            )
        case "max_tokens" | "model_context_window_exceeded":
            return ModelRefusedError(
                f"The answer of {answer.model} is cut after {answer.usage.output_tokens} tokens "
                f"({answer.stop_reason}): allow more with max_tokens=, or ask for less.",
                code="max_tokens",
                **known,
            )
        case "end_turn" | "tool_use" | "stop_sequence":
            return None
        case other:
            return ModelError(
                f"The answer of {answer.model} stopped in a way that is not known: {other!r:.60}.",
                code="unreadable",
                **known,
            )


def outcome_of(error: BaseException | None) -> str:
    """How a call ended, in one word: ok, a code, or the error's class."""
    if error is None:
        return "ok"
    if isinstance(error, (ModelError, ModelBusyError, ModelRefusedError)):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else type(error).__name__
