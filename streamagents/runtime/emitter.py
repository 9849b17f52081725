"""Emitter: from what an agent emits and decides to the records that leave with its event."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events import child_of, encode
from streamagents.events.envelope import header
from streamagents.events.wire import rfc3339
from streamagents.pipeline.outbox import APP, TYPE_PREFIX
from streamagents.pipeline.wait import NOT_BEFORE
from streamagents.ports import Outgoing
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from streamagents.events import Event, Headers
    from streamagents.pipeline.chain import Partitioner
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Action, Clock

_FRAMING_BYTES = 4096
"""What Kafka's record and batch headers may take of a topic's limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where records go: the topic as on the broker, and its partitions."""

    topic: str
    partitions: int


class Emitter:
    """Makes records; one a worker.

    Args:
        app_id: the application, the source of what its agents emit.
        destinations: by model, where emitted events go.
        outbox: where effects go.
        channels: names of the channels that deliver effects.
        partition_of: Kafka's partitioner.
        clock: the time of what is emitted.
    """

    def __init__(
        self,
        app_id: str,
        destinations: Mapping[type[Event], Destination],
        *,
        outbox: Destination,
        channels: Collection[str],
        partition_of: Partitioner,
        clock: Clock,
    ) -> None:
        self._app_id, self._source = app_id, f"streamagents/{app_id}"
        self._destinations, self._outbox, self._channels = destinations, outbox, channels
        self._partition_of, self._clock = partition_of, clock

    def event(
        self,
        event: Event,
        incoming: Incoming,
        *,
        named: str | None = None,
        number: int,
        not_before: datetime | None,
    ) -> tuple[str, Outgoing]:
        """An emitted event's id, and the record that it becomes.

        Args:
            event: what is emitted.
            incoming: the event whose agent emits it.
            named: its id, before that of its id field.
            number: counts what the attempt emits without an id of its own.
            not_before: when it may run; None is at once.

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
        named = event.event_id() if named is None else named
        id_ = f"{incoming.id}/emit-{number}" if named is None else named
        # By alias, for that is how its consumers validate it.
        data = event.__pydantic_serializer__.to_json(event, by_alias=True)
        extra: Headers = ()
        if not_before is not None:
            extra = ((NOT_BEFORE, rfc3339(not_before)),)
        key = event.event_key()
        outgoing = self._record(
            destination,
            data,
            id_=id_,
            source=self._source_below(incoming) if named is None else self._source_of(incoming),
            type_=kind.event_type.type,
            key=id_.encode() if key is None else key,
            parent=incoming,
            extra=extra,
        )
        return id_, outgoing

    def action(self, action: Action, incoming: Incoming, *, name: str) -> tuple[str, Outgoing]:
        """A decided effect's id, and its record in the outbox.

        Raises:
            ConfigurationError: the application has no such channel.
            EventTooLargeError: it does not fit into a Kafka record.
        """
        if action.via not in self._channels:
            raise ConfigurationError(
                f"ctx.act({type(action).__name__}): the application has no channel {action.via!r}, "
                f"it has {', '.join(sorted(self._channels))}: name it in "
                "create_app(..., channels=[...]). (channels_from has those that are configured.)"
            )
        id_ = f"{incoming.id}/{name}"
        outgoing = self._record(
            self._outbox,
            action.action_json(),
            id_=id_,
            source=self._source_below(incoming),
            type_=TYPE_PREFIX + action.via,
            key=incoming.id.encode() if incoming.key is None else incoming.key,
            parent=incoming,
            extra=((APP, self._app_id.encode()),),
        )
        return id_, outgoing

    def _source_of(self, incoming: Incoming) -> str:
        """The source of what has an id of its own: the application, or a trigger by its name."""
        return incoming.registration.source or self._source

    def _source_below(self, incoming: Incoming) -> str:
        """The source of what is named after its event.

        Two events of one id, but of two topics or sources, are two: what comes of them, too.
        """
        source = f"{self._source}/{incoming.record.topic}"
        if not incoming.source:
            return source
        # A digest, for a chain of events would make it longer and longer.
        return f"{source}#{blake2b(incoming.source.encode(), digest_size=6).hexdigest()}"

    def _record(
        self,
        destination: Destination,
        data: bytes,
        *,
        id_: str,
        source: str,
        type_: str,
        key: bytes,
        parent: Incoming,
        extra: Headers,
    ) -> Outgoing:
        value, headers = encode(
            data,
            id=id_,
            source=source,
            type=type_,
            time=self._clock.now(),
            traceparent=child_of(header(tuple(parent.record.headers), "traceparent")),
        )
        headers += extra
        size = len(value) + len(key) + _FRAMING_BYTES
        size += sum(len(name) + len(text) for name, text in headers)
        if size > MAX_RECORD_BYTES:
            raise EventTooLargeError(
                f"The emitted {type_} takes {size} bytes, a record takes {MAX_RECORD_BYTES}: "
                "emit a reference to the data instead."
            )
        return Outgoing(
            topic=destination.topic,
            key=key,
            value=value,
            headers=headers,
            partition=self._partition_of(key, destination.partitions),
        )
