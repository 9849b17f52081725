"""Using tools: what a model asked for is done, or the model is told in words why not."""

from __future__ import annotations

import asyncio
import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from streamagents.agents.values import NOT_STORABLE, dump
from streamagents.errors import (
    ConfigurationError,
    ModelError,
    Reject,
    RetryLater,
    StepError,
    StreamAgentsError,
    describe,
)
from streamagents.llm.prompts import as_data, faults_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from streamagents.agents import Context
    from streamagents.llm.tools.tool import Tool

log = structlog.stdlib.get_logger("streamagents.llm")

MAX_RESULT_CHARS = 20_000
"""What a tool found is cut behind so much: about 5,000 tokens, paid for again in each turn."""
_AT_ONCE = 8
_NOT_FOR_THE_MODEL = (RetryLater, Reject, ModelError, ConfigurationError, StepError)
"""Control signals, and mistakes that only a person can mend."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model is told of one use of a tool."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """A tool, and what it is called with."""

    made: Tool
    arguments: Mapping[str, Any]
    given: Any
    """By the model: what tells two uses apart."""


class Hands:
    """Uses tools on behalf of one attempt.

    Args:
        tools: those that the model may use, by name.
        ctx: for tools that want it.
        step: runs a durable step of the attempt.
        in_thread: runs a plain function beside the event loop.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        ctx: Context,
        *,
        step: Callable[[str, Callable[..., Any], tuple[Any, ...]], Awaitable[Any]],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self._tools, self._ctx, self._step, self._in_thread = tools, ctx, step, in_thread
        self.called: list[str] = []
        """The tools that ran, in the order in which the model named them."""

    async def use(self, name: str, uses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Do what the model asked for in one turn.

        What reads is run at once, each in a step of its own. What acts is run after that, in order
        and in every attempt anew: it decides the same effects under the same ids.

        Args:
            name: of the steps, before the place and the tool.
            uses: `tool_use` blocks.

        Returns:
            The `tool_result` blocks, in the same order.

        Raises:
            RetryLater: as a tool raised it; likewise Reject, ModelError and ConfigurationError.
        """
        planned = [self._planned(use) for use in uses]
        self.called += [plan.made.name for plan in planned if isinstance(plan, _Plan)]
        line = asyncio.Semaphore(_AT_ONCE)
        reading = {
            place: asyncio.ensure_future(self._read(line, f"{name}-{place}", plan))
            for place, plan in enumerate(planned, 1)
            if isinstance(plan, _Plan) and not plan.made.acts
        }
        try:
            await asyncio.gather(*reading.values())
        finally:
            await _end(reading.values())
        results = []
        for place, (plan, use) in enumerate(zip(planned, uses, strict=True), 1):
            if place in reading:
                outcome = reading[place].result()
            else:
                outcome = plan if isinstance(plan, Outcome) else await self._act(plan)
            results.append(_result(use, outcome))
        return results

    def _planned(self, use: Mapping[str, Any]) -> _Plan | Outcome:
        """What is to be called and how, or what the model is told instead."""
        made = self._tools.get(use["name"])
        if made is None:
            there = ", ".join(self._tools) or "none"
            words = f"There is no tool {use['name'][:100]!r}. There are: {there}."
            return Outcome(as_data(words), is_error=True)
        try:
            return _Plan(made, made.arguments(use["input"]), use["input"])
        except ValidationError as exc:
            words = f"The tool {made.name!r} takes something else. {faults_of(exc)}"
            return Outcome(as_data(words), is_error=True)

    async def _read(self, line: asyncio.Semaphore, name: str, plan: _Plan) -> Outcome:
        async with line:
            using = _Using(self, plan)
            found: Outcome = await self._step(
                f"{name}-{plan.made.name}", using.outcome, (plan.made.name, plan.given)
            )
            return found

    async def _act(self, plan: _Plan) -> Outcome:
        _, fault = await self.call(plan)
        return fault or Outcome("queued")

    async def call(self, plan: _Plan) -> tuple[Any, Outcome | None]:
        """What the function returns, and what the model is told if it failed."""
        made, arguments = plan.made, dict(plan.arguments)
        if made.wants_ctx:
            arguments["ctx"] = self._ctx
        try:
            async with asyncio.timeout(made.timeout_s) as deadline:
                return await self._called(functools.partial(made.function, **arguments)), None
        except _NOT_FOR_THE_MODEL:
            raise
        # What else a tool raises, the model is told: an exit, too, that would end the worker.
        except (Exception, SystemExit, KeyboardInterrupt) as exc:  # noqa: BLE001
            log.warning("tool_failed", tool=made.name, error=describe(exc))
            late = isinstance(exc, TimeoutError) and deadline.expired()
            said = f"it took longer than {made.timeout_s:g} s" if late else _told(exc)
            words = f"The tool {made.name!r} failed: {said}."
            return None, Outcome(as_data(words), is_error=True)

    async def _called(self, function: functools.partial[Any]) -> Any:
        if inspect.iscoroutinefunction(function.func):
            return await function()
        result = await self._in_thread(function)
        return await result if inspect.isawaitable(result) else result


class _Using:
    """One use of a tool, as a function that a step can run."""

    def __init__(self, hands: Hands, plan: _Plan) -> None:
        self._hands, self._plan = hands, plan

    async def outcome(self, *_told_apart_by: Any) -> Outcome:
        """Use it."""
        found, fault = await self._hands.call(self._plan)
        return fault or Outcome(_found(self._plan.made, found))


def _told(error: BaseException) -> str:
    # The text of any other error may hold what a model has no business with: an address with a
    # password in it, a query, a path.
    if isinstance(error, StreamAgentsError):
        return " ".join(str(error).split())[:500].rstrip(".")
    return type(error).__name__


def _found(made: Tool, found: Any) -> str:
    """A result as data, cut where it is too long."""
    try:
        text = found if isinstance(found, str) else dump(found).decode()
    except NOT_STORABLE as exc:
        raise ConfigurationError(
            f"The tool {made.name!r} returned {type(found).__name__}, which has no JSON: a tool "
            f"returns JSON, a text or a pydantic model. {exc}"
        ) from exc
    if len(text) <= MAX_RESULT_CHARS:
        return as_data(found)
    return as_data(f"{text[:MAX_RESULT_CHARS]}... (cut: {len(text):,} characters in all)")


def _result(use: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": use["id"], "content": outcome.text}
    return {**block, "is_error": True} if outcome.is_error else block


async def _end(tasks: Any) -> None:
    """Nobody waits for what is left: it is cancelled, and it ends before the attempt does."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
