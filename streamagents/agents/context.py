"""`Context`: the only things an agent may touch beside its event."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from streamagents.agents.state import State
from streamagents.agents.steps import in_step
from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from datetime import datetime

    from streamagents.agents.asking import LLM
    from streamagents.agents.state import StateStorage
    from streamagents.events import Event
    from streamagents.ports import Action, Clock

T = TypeVar("T")

MAX_DELAY_S = 366 * 86_400.0
"""An event may be delayed so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInfo:
    """What is known of the event beside its data."""

    id: str
    type: str
    source: str
    time: datetime
    """When it happened, as the sender says; else when the record was written. In UTC."""
    attempt: int
    """1 for the first."""
    topic: str
    key: str | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict)
    """The record's headers, raw; of a repeated header the last."""
    interrupted: bool = False
    """An earlier attempt may have ended without telling how far it got: its worker died, it was
    cancelled, or its time was up. What it did outside may have happened."""


class Run(Protocol):
    """What stands behind the context of one attempt: the worker, or a test."""

    def emit(self, event: Event, delay_s: float, id: str | None) -> str:  # noqa: A002 - as in emit
        """Take an event into the attempt's group; its id."""

    def act(self, action: Action, name: str | None) -> str:
        """Take an effect into the attempt's group; its id."""

    async def step(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        """Run a durable step."""

    @property
    def state(self) -> StateStorage:
        """The values of the agent and the event's key."""

    def llm(self, ctx: Context) -> LLM:
        """What asks the model; tools that want one get this context."""


class IssuedId(str):
    """The id of what was emitted or decided. Awaiting it is allowed, so no `await` is forgotten."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, IssuedId]:
        yield from ()  # what makes this a generator: there is nothing to wait for
        return self


class Context:
    """Handed to `run(event, ctx)`. Nothing else reaches the outside.

    What an attempt emits, decides and changes leaves in one Kafka transaction with the mark that
    the event is done; an attempt that fails leaves nothing but the results of its steps.
    """

    def __init__(self, event: EventInfo, *, run: Run, clock: Clock, log: Any) -> None:
        self.event = event
        self.log = log
        """A structlog logger, bound to the event: `ctx.log.info("scored", score=7)`."""
        self._run = run
        self._clock = clock
        self._state: State | None = None
        self._llm: LLM | None = None

    @property
    def state(self) -> State:
        """Durable values of this agent and the event's key."""
        if self._state is None:
            self._state = State(self._run.state, _outside_of_steps)
        return self._state

    @property
    def llm(self) -> LLM:
        """Asks the model: `await ctx.llm.text("Summarise this.", data=lead)`. Calls are steps."""
        if self._llm is None:
            self._llm = self._run.llm(self)
        return self._llm

    @overload
    def step(
        self, name: str, function: Callable[..., Awaitable[T]], *args: Any
    ) -> Awaitable[T]: ...
    @overload
    def step(self, name: str, function: Callable[..., T], *args: Any) -> Awaitable[T]: ...

    def step(self, name: str, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Run a function once: `profile = await ctx.step("enrich", self.enrich, lead)`.

        Its result is durable before the next step begins; a retry, a crash or a rebalance gets
        the stored one. A plain function runs in a thread. The result is JSON, or what the
        function's return annotation says; it is returned as it is stored. Called with other
        arguments than before, it runs again; what a lambda holds is no argument.

        Args:
            name: unique in this run, within the step that it is called from.
            function: what is to be run, async or not.
            args: what it gets.

        Raises:
            ConfigurationError: the name was used before in this run, or a plain function asks,
                which cannot wait for the result.
            StepError: the result cannot be stored and read back.
            EventTooLargeError: the result is larger than a record may be.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a thread's: nobody could await what is returned
            raise ConfigurationError(
                f"ctx.step({name!r}, ...) is awaited: the function that calls it, be it run() or "
                "a step's, is written as `async def`."
            ) from None
        return self._run.step(name, function, args)

    def emit(
        self,
        event: Event,
        delay_s: float = 0,
        *,
        id: str | None = None,  # noqa: A002 - the field's own word
    ) -> IssuedId:
        """Emit an event, keyed and routed by its class. Returns its id.

        The id is the value of the event's id field if it is set, else `<event id>/emit-<n>`: a
        retried attempt emits under the same ids.

        Args:
            event: what is emitted.
            delay_s: seconds until it may run, at most 366 days. It does not hold its key up.
            id: instead of the id that the event would have. What is emitted twice under one id,
                be it by two events, runs once.

        Raises:
            ConfigurationError: the event's class is not declared to the application.
            EventTooLargeError: the event does not fit into a Kafka record.
            ValueError: the delay is negative or too long, or the id is no text.
        """
        _outside_of_steps("emit")
        number = isinstance(delay_s, (int, float)) and not isinstance(delay_s, bool)
        if not number or not 0 <= delay_s <= MAX_DELAY_S:
            raise ValueError(
                f"emit(..., delay_s={delay_s!r}): a delay is between 0 and {MAX_DELAY_S:.0f} "
                "seconds (366 days)."
            )
        if id is not None and not (isinstance(id, str) and id):
            raise ValueError(f"emit(..., id={id!r}): an id is a text, and not empty.")
        return IssuedId(self._run.emit(event, delay_s, id))

    def act(self, action: Action, name: str | None = None) -> IssuedId:
        """Decide on an effect outside of Kafka: it is sent once the event is done. Returns its id.

        The id is `<event id>/<name>`, unnamed `<event id>/act-<n>`: a retried attempt decides the
        same effect again, and it is sent once, where the other side allows it.

        Raises:
            ConfigurationError: the application has no such channel, or the name was used before.
            EventTooLargeError: the action does not fit into a Kafka record.
        """
        _outside_of_steps("act")
        return IssuedId(self._run.act(action, name))

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._clock.now()


def _outside_of_steps(what: str) -> None:
    """A step's result is stored at once, what it decided beside it would be lost at a retry.

    Raises:
        ConfigurationError: a step's function runs now.
    """
    step = in_step()
    if step:
        raise ConfigurationError(
            f"ctx.{what} was used in the function of step {step!r}: a step that is not run again "
            f"would leave it out. {_INSTEAD[what]}"
        )


_INSTEAD = {
    "state": "Read the state before the step and hand over what is needed; change it after.",
    "emit": "Return what is needed, and use ctx.emit after the step.",
    "act": "Return what is needed, and use ctx.act after the step. (A model's tool that decides "
    "effects is a @tool(acts=True).)",
}
