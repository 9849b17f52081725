"""One attempt: what stands behind its context, and what it leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from streamagents.actions import EffectNames
from streamagents.agents.steps import Steps
from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events import Event
from streamagents.llm.asker import Who
from streamagents.llm.client import Llm
from streamagents.pipeline.places import step_key, value_key
from streamagents.pipeline.stored import decode_step, decode_value, encode_step, encode_value
from streamagents.runtime.purse import EventPurse
from streamagents.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamagents.agents import Context
    from streamagents.agents.state import StateStorage
    from streamagents.agents.steps import StepResult
    from streamagents.llm.asker import Asker
    from streamagents.ports import Action, Clock, Outgoing
    from streamagents.runtime.case import Case
    from streamagents.runtime.emitter import Emitter
    from streamagents.runtime.settling import Settling

MAX_GROUP_BYTES = 64 << 20
"""Of what one event emits: its transaction has to be over long before it times out."""


class Attempt:
    """What one attempt emits, decides, changes and remembers.

    Only the results of its steps leave before it is done; everything else leaves with the mark.

    Args:
        case: the event.
        emitter: makes records.
        settling: the partition's state, to read and to write.
        clock: the time.
        asker: asks the model.
        before_step: awaited before a step's function runs.
    """

    def __init__(
        self,
        case: Case,
        emitter: Emitter,
        settling: Settling,
        clock: Clock,
        asker: Asker,
        *,
        before_step: Callable[[], Awaitable[None]],
    ) -> None:
        self.records: list[Outgoing] = []
        self.writes: dict[bytes, bytes | None] = {}
        self._case, self._emitter, self._settling, self._clock = case, emitter, settling, clock
        self._asker, self._before_step = asker, before_step
        self._unnamed_events = self._bytes = 0
        self._names = EffectNames()
        self._steps: Steps | None = None
        self._closed = False

    def close(self) -> None:
        """It has ended: a task that it left behind can change nothing any more."""
        self._closed = True

    # -- what the context calls ------------------------------------------------------------------

    def emit(
        self,
        event: Event,
        delay_s: float = 0,
        id: str | None = None,  # noqa: A002 - the field's own word
    ) -> str:
        """Take an event into the group; its id."""
        self._open("emit")
        if not isinstance(event, Event):
            raise TypeError(
                f"emit() takes an Event, got {type(event).__name__}: define a model for it."
            )
        not_before = self._clock.now() + timedelta(seconds=delay_s) if delay_s else None
        number = self._unnamed_events + 1
        id_, record = self._emitter.event(
            event, self._case.incoming, named=id, number=number, not_before=not_before
        )
        self._take(record)
        if id is None and event.event_id() is None:
            self._unnamed_events = number
        return id_

    def act(self, action: Action, name: str | None = None) -> str:
        """Take an effect into the group; its id."""
        self._open("act")
        name = self._names.next(action, name)
        id_, record = self._emitter.action(action, self._case.incoming, name=name)
        self._take(record)
        self._names.take(name)
        return id_

    async def step(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        """Run a durable step."""
        self._open("step")
        if self._steps is None:
            registration = self._case.incoming.registration
            self._steps = Steps(
                self,
                version=registration.version,
                keep=registration.keep_steps,
                in_thread=call_in_thread,
                before=self._before_step,
                told=self._step_taken,
            )
        return await self._steps.run(name, function, arguments)

    @property
    def state(self) -> StateStorage:
        """The values of the agent and the event's key."""
        key = self._case.incoming.key
        if key is None:
            raise ConfigurationError(
                "ctx.state belongs to an event's key, and this event has none: name the model's "
                "key field, as in class Order(Event, key='customer')."
            )
        return _Values(self, key)

    def llm(self, ctx: Context) -> Llm:
        """What asks the model, each call a step."""
        incoming = self._case.incoming
        place = (self._case.subscription.partitions, incoming.record.partition)
        who = Who(
            agent=incoming.registration.name,
            event_id=incoming.id,
            wallet=EventPurse(place, self),
        )
        return Llm(self._asker, who, ctx, step=self.step, in_thread=call_in_thread)

    # -- steps: the port StepStorage -------------------------------------------------------------

    def load(self, path: str) -> StepResult | None:
        """What is known of a step."""
        if not self._case.has_steps:
            return None
        raw = self._settling.read(step_key(self._case.incoming.seen_key, path))
        return None if raw is None else decode_step(raw)

    async def save(self, path: str, result: StepResult) -> None:
        """Keep a step's result; durable when this returns."""
        self._open("step")
        raw = encode_step(self._case.incoming.key, result)
        await self._settling.step(self._case, {step_key(self._case.incoming.seen_key, path): raw})

    def rerun(self, path: str, reason: str) -> None:
        """A stored result does not count."""
        self._settling.telling.step_rerun(self._case, path, reason)

    def _step_taken(self, outcome: str) -> None:
        self._settling.telling.step_taken(self._case, outcome)

    # -- values ----------------------------------------------------------------------------------

    def value(self, key: bytes, name: str) -> bytes | None:
        """A value of the state, as the events before left it."""
        agent = self._case.incoming.registration.name
        raw = self._settling.read(value_key(agent, key, name))
        return None if raw is None else decode_value(raw)

    def change(self, key: bytes, name: str, value: bytes | None) -> None:
        """Change a value with the event's group."""
        self._open("state")
        agent = self._case.incoming.registration.name
        raw = None if value is None else encode_value(key, value)
        self.writes[value_key(agent, key, name)] = raw

    def _take(self, record: Outgoing) -> None:
        self._bytes += len(record.value or b"")
        if self._bytes > MAX_GROUP_BYTES:
            raise EventTooLargeError(
                f"One event emits {self._bytes:,} bytes in all, a transaction takes at most "
                f"{MAX_GROUP_BYTES:,}: emit references to the data instead."
            )
        self.records.append(record)

    def _open(self, what: str) -> None:
        if self._closed:
            raise ConfigurationError(
                f"ctx.{what} was used after run() had ended, by a task that it left behind: wait "
                "for the tasks that an agent starts."
            )


class _Values:
    """The values of one agent and key: the port StateStorage."""

    def __init__(self, attempt: Attempt, key: bytes) -> None:
        self._attempt, self._key = attempt, key

    def load(self, name: str) -> bytes | None:
        return self._attempt.value(self._key, name)

    def store(self, name: str, value: bytes | None) -> None:
        self._attempt.change(self._key, name, value)
