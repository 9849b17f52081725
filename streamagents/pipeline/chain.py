"""The chain: the order in which a record is judged before its agent may run.

Tombstone, envelope, model, identity, place. Nothing here has an effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import ValidationError

from streamagents.errors import EventError, InvalidEventError, describe
from streamagents.events import decode
from streamagents.events.wire import parse
from streamagents.pipeline.identity import (
    fallback_key,
    forwarded_from,
    forwarded_headers,
    seen_key,
)
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Skip
from streamagents.ports import Position

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.events import Envelope, Event
    from streamagents.ports import Record

Partitioner: TypeAlias = Callable[[bytes, int], int]
"""Kafka's default: murmur2 of the key, modulo the number of partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A topic that the application consumes, named as on the broker."""

    topic: str
    letters: str
    partitions: int
    registration: Registration


def judge(
    record: Record, subscription: Subscription, partition_of: Partitioner
) -> Incoming | Skip | Forward | DeadLetter:
    """Decide what a record of a typed topic is, up to deduplication, which needs the state."""
    if record.value is None:
        return _tombstone(subscription.registration)
    try:
        incoming = read(record, subscription.registration, topic=subscription.topic)
    except EventError as exc:
        # Never forwarded: what cannot be read becomes a letter where it lies.
        return DeadLetter(exc.code, str(exc), exc)
    if in_place(incoming, subscription, partition_of):
        return incoming
    return _forward(incoming, subscription, partition_of)


def read(record: Record, registration: Registration, *, topic: str) -> Incoming:
    """Read one record as an event of its topic.

    Raises:
        UndecodableError: its bytes or CloudEvents headers cannot be read.
        InvalidEventError: it is not what the model asks for.
    """
    headers = tuple(record.headers)
    model = registration.model
    envelope = decode(record.value or b"", headers, model_has_data=registration.data_field)
    forwarded = forwarded_from(headers) if headers else None
    try:
        payload = _payload(envelope, model)
        event = None if model is None else cast("Event", payload)
        id_ = envelope.id or (event.event_id() if event is not None else None)
        positional = not id_
        if not id_:
            id_ = str(forwarded[0] if forwarded else _place(record))
        key = None if event is None else event.event_key()
        if key is None:
            key = fallback_key(envelope, record.key, id_, positional=positional)
        mark_key = seen_key(topic, envelope.source, id_, key)
    except EventError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as exc:
        # A validator or a __str__ of the user's model raised: that is this event's fault, and a
        # letter, not the worker's end.
        raise InvalidEventError(f"Reading the event raised {describe(exc)}.") from exc
    type_ = envelope.type or registration.event.type
    return Incoming(
        record,
        registration,
        payload,
        id_,
        envelope.source,
        type_,
        key,
        mark_key,
        envelope.time,
        forwarded,
    )


def in_place(incoming: Incoming, subscription: Subscription, partition_of: Partitioner) -> bool:
    """Whether the event lies where its duplicates would lie, or was brought there already."""
    if incoming.key is None or incoming.forwarded is not None:
        return True
    return partition_of(incoming.key, subscription.partitions) == incoming.record.partition


def _forward(incoming: Incoming, subscription: Subscription, partition_of: Partitioner) -> Forward:
    assert incoming.key is not None  # noqa: S101 - in_place() has said so
    return Forward(
        topic=subscription.topic,
        partition=partition_of(incoming.key, subscription.partitions),
        key=incoming.key,
        headers=forwarded_headers(incoming.record, tuple(incoming.record.headers)),
    )


def _tombstone(registration: Registration) -> Skip | DeadLetter:
    if registration.event.tombstones == "skip":
        return Skip("tombstone")
    return DeadLetter("tombstone", "The record has a key and no value: there is nothing to handle.")


def _payload(envelope: Envelope, model: type[Event] | None) -> Event | dict[str, Any]:
    if model is None:
        parsed = envelope.parsed if envelope.parsed is not None else parse(envelope.data)
        if not isinstance(parsed, dict):
            raise InvalidEventError(
                f"The agent takes a JSON object, this is {type(parsed).__name__}."
            )
        return parsed
    try:
        # What model_validate_json calls, without the look at its arguments.
        return cast("Event", model.__pydantic_validator__.validate_json(envelope.data))
    except ValidationError as exc:
        if any(fault["type"] == "json_invalid" for fault in exc.errors(include_url=False)):
            parse(envelope.data)  # raises UndecodableError, in its words
        raise InvalidEventError(f"Not a {model.__name__}: {_faults(exc)}.") from exc


def _faults(exc: ValidationError) -> str:
    """The fields and what is wrong with them; never their values, which may be secret."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'the value'}: {fault['msg']}"
        for fault in exc.errors(include_url=False, include_input=False, include_context=False)
    )


def _place(record: Record) -> Position:
    return Position(record.topic, record.partition, record.offset)
