"""Durable steps of one attempt: what a function returned once is never asked for again."""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from streamagents.agents.digest import ANY_ARGUMENTS, digest_of_call
from streamagents.agents.results import kind_of, store
from streamagents.agents.values import load
from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MAX_NAME = 200
_SEPARATOR = "/"

_within: ContextVar[str] = ContextVar("streamagents_step", default="")


@dataclass(frozen=True, slots=True)
class StepResult:
    """What is kept of a step."""

    digest: bytes
    """Eight bytes of its arguments."""
    version: str
    """Of the agent that asked."""
    json: bytes


class StepStorage(Protocol):
    """Where the steps of one event are kept."""

    def load(self, path: str) -> StepResult | None:
        """What is known of a step."""

    async def save(self, path: str, result: StepResult) -> None:
        """Keep it; durable when this returns."""

    def rerun(self, path: str, reason: str) -> None:
        """A stored result does not count: the step runs again."""


class Steps:
    """The steps of one attempt.

    Args:
        storage: where the event's steps are kept.
        version: of the agent.
        keep: whether the steps of another version count.
        in_thread: runs a plain function beside the event loop; None runs it at once.
        before: awaited before a function runs; not where its result is stored.
        told: called with what became of each step: ran, stored, failed.
    """

    def __init__(
        self,
        storage: StepStorage,
        *,
        version: str = "1",
        keep: bool = True,
        in_thread: Callable[..., Awaitable[Any]] | None = None,
        before: Callable[[], Awaitable[None]] | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._storage, self._version, self._keep = storage, version, keep
        self._in_thread, self._before, self._told = in_thread, before, told
        self._begun: set[str] = set()

    async def run(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """The step's stored result, else what the function returns, as it was stored.

        Raises:
            ConfigurationError: the name was used before in this attempt or is none, or the
                function is no function.
            StepError: the result cannot be stored and read back.
            EventTooLargeError: the result is larger than a record may be.
        """
        path = self._enter(name, function)
        kind = kind_of(function)
        digest = digest_of_call(function, arguments)
        stored = self._storage.load(path)
        if stored is not None:
            reason = self._outdated(stored, digest)
            if not reason:
                try:
                    value = load(stored.json, kind)
                except ValidationError:
                    reason = "invalid"
                else:
                    self._told("stored")
                    return value
            self._storage.rerun(path, reason)
        try:
            raw, value = store(path, await self._call(path, function, arguments), kind)
            await self._storage.save(path, StepResult(digest, self._version, raw))
        except Exception:  # whatever it is: counted here, and decided on by whoever runs the agent
            self._told("failed")
            raise
        self._told("ran")
        return value

    def _enter(self, name: str, function: Any) -> str:
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or _SEPARATOR in name:
            raise ConfigurationError(
                f"ctx.step({name!r}, ...): a step's name is a text of 1 to {_MAX_NAME} characters "
                f"without {_SEPARATOR!r}."
            )
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()  # or Python warns that nobody awaited it
            raise ConfigurationError(
                f"ctx.step({name!r}, ...) takes a function and what it is called with, as in "
                f"ctx.step({name!r}, self.enrich, lead), and got {type(function).__name__}."
            )
        parent = _within.get()
        path = f"{parent}{_SEPARATOR}{name}" if parent else name
        if path in self._begun:
            raise ConfigurationError(
                f"The step {path!r} was begun twice in one run: give each step a name of its own, "
                f"as in ctx.step(f'{name}-{{item.id}}', ...)."
            )
        self._begun.add(path)
        return path

    def _outdated(self, stored: StepResult, digest: bytes) -> str:
        if stored.version != self._version and not self._keep:
            return "version"
        return "" if stored.digest in (digest, ANY_ARGUMENTS) else "arguments"

    async def _call(
        self, path: str, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        if self._before is not None:
            await self._before()
        token = _within.set(path)
        try:
            if self._in_thread is None or _is_async(function):
                result = function(*arguments)
            else:
                result = await self._in_thread(function, *arguments)
            return await result if inspect.isawaitable(result) else result
        finally:
            _within.reset(token)


def in_step() -> str:
    """The path of the step whose function runs now; empty outside of any."""
    return _within.get()


def _is_async(function: Callable[..., Any]) -> bool:
    plain = function.func if isinstance(function, functools.partial) else function
    return inspect.iscoroutinefunction(plain) or inspect.iscoroutinefunction(
        getattr(plain, "__call__", None)  # noqa: B004 - the method of a callable object
    )
