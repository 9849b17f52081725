"""One attempt: an agent is handed its event, and what it emits is collected."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.agents import Context, EventInfo
from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events import Event, child_of, encode
from streamagents.events.envelope import header
from streamagents.ports import Outgoing
from streamagents.runtime.threads import call_in_thread
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Registration
    from streamagents.events import Headers
    from streamagents.pipeline.chain import Partitioner
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Clock

_FRAMING_BYTES = 4096
"""What Kafka's record and batch headers may take of a topic's limit."""
_THREADS = 32

log = structlog.stdlib.get_logger("streamagents.agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where events of one class go: the topic as on the broker, and its partitions."""

    topic: str
    partitions: int


class Attempts:
    """Runs agents on events; one a worker.

    Args:
        app_id: the application, the source of what its agents emit.
        destinations: by model topic, where emitted events go.
        partition_of: Kafka's partitioner.
        clock: the time that agents are told.
    """

    def __init__(
        self,
        app_id: str,
        destinations: Mapping[type[Event], Destination],
        *,
        partition_of: Partitioner,
        clock: Clock,
    ) -> None:
        self._source = f"streamagents/{app_id}"
        self._destinations = destinations
        self._partition_of = partition_of
        self._clock = clock
        self._threads = asyncio.Semaphore(_THREADS)

    async def run(self, incoming: Incoming, attempt: int) -> list[Outgoing]:
        """Run the agent once, within its time limit.

        Returns:
            What the attempt emits.

        Raises:
            BaseException: whatever the agent raised; TimeoutError when its time was up;
                CancelledError also when the caller was cancelled.
        """
        registration = incoming.registration
        emissions = _Emissions(self, incoming)
        arguments: tuple[Any, ...] = (incoming.payload,)
        if registration.wants_context:
            arguments += (self._context(incoming, attempt, emissions),)
        result = await self._timed(registration, arguments)
        for event in _returned(result, registration):
            emissions.emit(event)
        return emissions.records

    async def _timed(self, registration: Registration, arguments: tuple[Any, ...]) -> Any:
        limit_s = registration.route.timeout_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                if registration.is_async:
                    return await registration.run(*arguments)
                result = await self._in_thread(registration, arguments)
                # A decorated coroutine function looks like a plain one from outside.
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as exc:
            if not limit.expired():
                raise  # the agent's own
            raise TimeoutError(
                f"{registration.name}.run took longer than timeout_s={limit_s:g}"
            ) from exc

    async def _in_thread(self, registration: Registration, arguments: tuple[Any, ...]) -> Any:
        """Run a plain `def run` in a thread.

        A thread cannot be cancelled: when the time is up the failure waits for its end, or the
        next attempt and the next event of the key would run beside it.
        """
        async with self._threads:
            future = call_in_thread(registration.run, *arguments)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                log.warning("waiting_for_thread", agent=registration.name)
                await asyncio.wait([future])
                if future.exception() is not None:
                    raise
                return future.result()  # done is done: it counts, if the partition is still ours

    def _context(self, incoming: Incoming, attempt: int, emissions: _Emissions) -> Context:
        event = EventInfo(
            id=incoming.id,
            type=incoming.type,
            source=incoming.source,
            time=incoming.time,
            attempt=attempt,
            topic=incoming.record.topic,
            key=None if incoming.key is None else incoming.key.decode(errors="replace"),
            headers=dict(incoming.record.headers),
        )
        bound = log.bind(agent=incoming.registration.name, event_id=incoming.id, attempt=attempt)
        return Context(event, emit=emissions.emit, clock=self._clock, log=bound)

    def record(self, event: Event, *, event_id: str, parent: Headers) -> Outgoing:
        """An emitted event as the record that it becomes.

        Raises:
            ConfigurationError: its class is not declared to the application.
            EventTooLargeError: it does not fit into a Kafka record.
        """
        kind = type(event)
        destination = self._destinations.get(kind)
        if destination is None:
            raise ConfigurationError(
                f"{kind.__name__} was emitted, but the application does not declare it: name it "
                f"in create_app(..., emits=[{kind.__name__}]) and run `streamagents topics apply`."
            )
        value, headers = encode(
            # By alias, for that is how its consumers validate it.
            event.__pydantic_serializer__.to_json(event, by_alias=True),
            id=event_id,
            source=self._source,
            type=kind.event_type.type,
            time=self._clock.now(),
            traceparent=child_of(header(parent, "traceparent")),
        )
        size = len(value) + sum(len(name) + len(text) for name, text in headers) + _FRAMING_BYTES
        if size > MAX_RECORD_BYTES:
            raise EventTooLargeError(
                f"The emitted {kind.__name__} takes {size} bytes, a record takes "
                f"{MAX_RECORD_BYTES}: emit a reference to the data instead."
            )
        named = event.event_key()
        key = event_id.encode() if named is None else named
        return Outgoing(
            topic=destination.topic,
            key=key,
            value=value,
            headers=headers,
            partition=self._partition_of(key, destination.partitions),
        )


@dataclass(slots=True)
class _Emissions:
    """What one attempt emits, in order. Nothing of it leaves before the attempt is done."""

    attempts: Attempts
    incoming: Incoming
    records: list[Outgoing] = field(default_factory=list)
    unnamed: int = 0

    def emit(self, event: Event) -> str:
        if not isinstance(event, Event):
            raise TypeError(
                f"emit() takes an Event, got {type(event).__name__}: define a model for it."
            )
        event_id = event.event_id()
        if event_id is None:
            self.unnamed += 1
            event_id = f"{self.incoming.id}/emit-{self.unnamed}"
        parent = tuple(self.incoming.record.headers)
        self.records.append(self.attempts.record(event, event_id=event_id, parent=parent))
        return event_id


def _returned(result: Any, registration: Registration) -> list[Event]:
    if result is None:
        return []
    events = result if isinstance(result, (list, tuple)) else [result]
    for event in events:
        if not isinstance(event, Event):
            raise TypeError(
                f"{registration.name}.run returned {type(event).__name__}: return an Event, a "
                "list of them, or nothing."
            )
    return list(events)
