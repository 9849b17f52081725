"""`Context`: the only things an agent may touch beside its event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    from streamagents.events import Event
    from streamagents.ports import Clock


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


class Emit(Protocol):
    """Takes one event into the attempt's group and tells the id it gets."""

    def __call__(self, event: Event) -> str:  # noqa: D102 - said above
        ...


class EmittedId(str):
    """The id of an emitted event. Awaiting it is allowed, so that no `await` can be forgotten."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, EmittedId]:
        yield from ()  # what makes this a generator: there is nothing to wait for
        return self


class Context:
    """Handed to `run(event, ctx)`. Nothing else reaches the outside.

    What an attempt emits leaves in one Kafka transaction with the mark that the event is done;
    an attempt that fails leaves nothing.
    """

    def __init__(self, event: EventInfo, *, emit: Emit, clock: Clock, log: Any) -> None:
        self.event = event
        self.log = log
        """A structlog logger, bound to the event: `ctx.log.info("scored", score=7)`."""
        self._emit = emit
        self._clock = clock

    def emit(self, event: Event) -> EmittedId:
        """Emit an event, keyed and routed by its class. Returns its id.

        The id is the value of the event's id field if it is set, else `<event id>/emit-<n>`: a
        retried attempt emits under the same ids.

        Raises:
            ConfigurationError: the event's class is not declared to the application.
            EventTooLargeError: the event does not fit into a Kafka record.
        """
        return EmittedId(self._emit(event))

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._clock.now()
