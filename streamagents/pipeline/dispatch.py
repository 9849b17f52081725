"""Dispatch: where a record of the inbox belongs. The typed topic judges everything but the type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamagents.errors import EventError, UndecodableError
from streamagents.events import decode
from streamagents.events.wire import parse
from streamagents.pipeline.chain import judge, read
from streamagents.pipeline.identity import forwarded_headers
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.ports import Record


def dispatch(
    record: Record,
    inbox: Subscription,
    typed: Mapping[str, Subscription],
    partition_of: Partitioner,
) -> Incoming | Skip | Forward | DeadLetter:
    """Decide about a record of the inbox.

    Args:
        record: the record.
        inbox: the inbox, whose registration is the fallback agent's.
        typed: the typed topics by event type.
        partition_of: Kafka's partitioner.
    """
    if record.value is None:
        return DeadLetter("tombstone", "The inbox got a record without a value: it has no type.")
    try:
        type_ = _type(record)
    except UndecodableError as exc:
        return DeadLetter(exc.code, str(exc), exc)
    if type_ is None:
        return DeadLetter("no_type", "The inbox got an event that does not say its type.")
    target = typed.get(type_)
    if target is None:
        decision = judge(record, inbox, partition_of)
        if isinstance(decision, Incoming):  # bare data says its type where only the inbox looks
            return replace(decision, type=type_)
        return decision
    return _to(target, record, partition_of)


def _type(record: Record) -> str | None:
    headers = tuple(record.headers)
    envelope = decode(record.value or b"", headers)
    if envelope.type is not None or envelope.form != "bare":
        return envelope.type
    parsed = envelope.parsed if envelope.parsed is not None else parse(envelope.data)
    type_ = parsed.get("type") if isinstance(parsed, dict) else None
    return type_ if isinstance(type_, str) and type_ else None


def _to(target: Subscription, record: Record, partition_of: Partitioner) -> Forward:
    """A forwarded record is never forwarded again, so it is placed by its own key rule at once.

    One that cannot be read keeps its key: the typed topic makes the letter.
    """
    try:
        key = read(record, target.registration, topic=target.topic).key
    except EventError:
        key = record.key
    partition = (
        record.partition % target.partitions
        if key is None
        else partition_of(key, target.partitions)
    )
    headers = forwarded_headers(record, tuple(record.headers))
    return Forward(topic=target.topic, partition=partition, key=key, headers=headers)
