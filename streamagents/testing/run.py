"""What stands behind a `FakeContext`: the worker's rules, and memory instead of Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from streamagents.actions import EffectNames
from streamagents.agents.digest import ANY_ARGUMENTS
from streamagents.agents.steps import StepResult, Steps
from streamagents.agents.values import dump, load
from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events import Event
from streamagents.llm.asker import Asker, Who
from streamagents.llm.client import Llm
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.actions import Action
    from streamagents.agents import Context
    from streamagents.ports import Action as AnyAction
    from streamagents.ports import Clock, Model

_FRAMING_BYTES = 4096
"""The worker leaves so much of a record for headers and what Kafka adds."""


class FakeRun:
    """Takes what an attempt leaves, and keeps it for the test to see.

    Args:
        event_id: the event's id, from which other ids are made.
        key: the event's key.
        steps: results of steps by path, as if an earlier attempt had left them.
        state: values by name, as if earlier events had left them.
        model: answers `ctx.llm`.
        clock: the time.
    """

    def __init__(
        self,
        event_id: str,
        key: str | None,
        *,
        steps: Mapping[str, Any],
        state: Mapping[str, Any],
        model: Model,
        clock: Clock,
    ) -> None:
        self.emitted: list[Event] = []
        self.emitted_ids: list[str] = []
        self.delayed: list[tuple[Event, float]] = []
        self.acted: list[Action] = []
        self.acted_ids: list[str] = []
        self.steps = MemorySteps(steps)
        self.values = MemoryValues(state)
        self._event_id, self._key = event_id, key
        self._unnamed = 0
        self._names = EffectNames()
        self._steps = Steps(self.steps, in_thread=_in_thread)
        self._asker = Asker(model, clock=clock)

    def emit(
        self,
        event: Event,
        delay_s: float,
        id: str | None = None,  # noqa: A002 - the field's own word
    ) -> str:
        """Take an event; its id."""
        if not isinstance(event, Event):
            raise TypeError(
                f"emit() takes an Event, got {type(event).__name__}: define a model for it."
            )
        _fits(event, event.__pydantic_serializer__.to_json(event, by_alias=True))
        id_ = event.event_id() if id is None else id
        if id_ is None:
            self._unnamed += 1
            id_ = f"{self._event_id}/emit-{self._unnamed}"
        self.emitted.append(event.model_copy(deep=True))  # it leaves as it is now
        self.emitted_ids.append(id_)
        if delay_s:
            self.delayed.append((self.emitted[-1], delay_s))
        return id_

    def act(self, action: AnyAction, name: str | None) -> str:
        """Take an effect; its id."""
        name = self._names.next(action, name)
        _fits(action, action.action_json())
        self._names.take(name)
        self.acted.append(cast("Action", action))  # the names have looked
        self.acted_ids.append(f"{self._event_id}/{name}")
        return self.acted_ids[-1]

    async def step(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        """Run a step, as the worker does it."""
        return await self._steps.run(name, function, arguments)

    @property
    def state(self) -> MemoryValues:
        """The values of the agent and the event's key."""
        if self._key is None:
            raise ConfigurationError(
                "ctx.state belongs to an event's key, and this event has none: name the model's "
                "key field, as in class Order(Event, key='customer')."
            )
        return self.values

    def llm(self, ctx: Context) -> Llm:
        """What asks the model, each call a step."""
        who = Who(agent="test", event_id=self._event_id)
        return Llm(self._asker, who, ctx, step=self.step, in_thread=_in_thread)


class MemorySteps:
    """The port `StepStorage` in memory. What a test puts into it counts for any arguments."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self._kept = {
            path: StepResult(ANY_ARGUMENTS, "", dump(result)) for path, result in results.items()
        }
        self.rerun_for: dict[str, str] = {}

    def load(self, path: str) -> StepResult | None:
        """What is known of a step."""
        return self._kept.get(path)

    async def save(self, path: str, result: StepResult) -> None:
        """Keep it."""
        self._kept[path] = result

    def rerun(self, path: str, reason: str) -> None:
        """A stored result did not count."""
        self.rerun_for[path] = reason

    def results(self) -> dict[str, Any]:
        """What is stored, by path, as JSON values."""
        return {path: load(result.json) for path, result in self._kept.items()}


class MemoryValues:
    """The port `StateStorage` in memory."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._kept = {name: dump(value) for name, value in values.items()}

    def load(self, name: str) -> bytes | None:
        """A value's JSON."""
        return self._kept.get(name)

    def store(self, name: str, value: bytes | None) -> None:
        """Change a value; None deletes it."""
        if value is None:
            self._kept.pop(name, None)
        else:
            self._kept[name] = value

    def values(self) -> dict[str, Any]:
        """What is stored, by name, as JSON values."""
        return {name: load(raw) for name, raw in self._kept.items()}


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    def call() -> Any:
        try:
            return function(*arguments)
        except StopIteration as exc:  # asyncio would wait for ever: no future can carry it
            raise RuntimeError(f"the function raised {exc!r}") from exc

    return await asyncio.to_thread(call)


def _fits(what: object, raw: bytes) -> None:
    size = len(raw) + _FRAMING_BYTES
    if size > MAX_RECORD_BYTES:
        raise EventTooLargeError(
            f"The emitted {type(what).__name__} takes {size} bytes, a record takes "
            f"{MAX_RECORD_BYTES}: emit a reference to the data instead."
        )
