"""Inbound: records made of what a trigger heard, checked against their event's model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from streamagents.errors import (
    ConfigurationError,
    EventError,
    EventTooLargeError,
    InvalidEventError,
)
from streamagents.events import Event, child_of, encode
from streamagents.pipeline.addressing import address
from streamagents.pipeline.mapping import FieldMap
from streamagents.ports import Outgoing
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.ports import Clock
    from streamagents.topics import Layout

Made = Event | Mapping[str, Any] | None
Fields = Mapping[str, str] | Callable[[Any], Made]
"""How a foreign payload becomes an event's data: JMESPath by field, or a function. A function that
returns None leaves the payload out."""

_HEADERS_BYTES = 16_384
"""Room for what a record has beside its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Makes the records of one trigger."""

    registry: Registry
    layout: Layout
    clock: Clock
    source: str
    """`ce_source` of all that it makes."""

    def record(
        self,
        type_: str,
        value: bytes,
        *,
        id_: str | None = None,
        default_id: str | None = None,
        key: str | None = None,
        parent: bytes | None = None,
    ) -> Outgoing:
        """One event, for where its type goes.

        Args:
            type_: the event's type.
            value: its data, JSON.
            id_: before that of its id field.
            default_id: where there is neither.
            key: for a model that names no key field.
            parent: the `traceparent` that came with it.

        Raises:
            UndecodableError: the data is no JSON.
            InvalidEventError: it is not what the event's model asks for.
            EventTooLargeError: it fits into no record.
        """
        try:
            head = address(
                self.registry,
                self.layout,
                type_=type_,
                value=value,
                id_=id_,
                default_id=default_id,
                key=key,
            )
        except EventError:
            raise
        except Exception as exc:
            # A model's own validator may raise anything: one event is refused, all others go on.
            raise InvalidEventError(
                f"The data cannot be checked: the model of {type_!r} raised {type(exc).__name__}."
            ) from exc
        if len(value) + len(head.key) + _HEADERS_BYTES > MAX_RECORD_BYTES:
            raise EventTooLargeError(
                f"The data of {type_!r} has {len(value):,} bytes, more than a record takes."
            )
        data, headers = encode(
            value,
            id=head.id,
            source=self.source,
            type=head.type,
            time=self.clock.now(),
            traceparent=child_of(parent),
        )
        return Outgoing(topic=head.topic, key=head.key, value=data, headers=headers)


def type_of(to: type[Event] | str) -> str:
    """The event type that a trigger's `to=` means."""
    return to if isinstance(to, str) else to.event_type.type


def mapper(fields: Fields | None) -> Callable[[Any], Made]:
    """The function that makes data of a payload; without fields the payload is the data.

    Raises:
        ConfigurationError: a field's expression is none.
    """
    if fields is None:
        return _as_it_is
    if callable(fields):
        return fields
    if not isinstance(fields, Mapping):
        raise ConfigurationError(
            f"fields={fields!r}: say expressions by field, as in {{'email': 'customer.mail'}}, or "
            "hand a function over."
        )
    return FieldMap(fields)


def made_of(make: Callable[[Any], Made], payload: Any) -> bytes | None:
    """The data as JSON; None if the function leaves this payload out.

    Raises:
        InvalidEventError: no data can be made of it.
    """
    try:
        data = make(payload)
        if data is None:
            return None
        return data.model_dump_json().encode() if isinstance(data, Event) else to_json(data)
    except InvalidEventError:
        raise
    except Exception as exc:
        # A user's function may raise anything: one payload is refused, all others go on.
        raise InvalidEventError(
            f"No event can be made of it: the mapping raised {type(exc).__name__}."
        ) from exc


def _as_it_is(payload: Any) -> Made:
    made: Made = payload
    if not isinstance(payload, dict):
        raise InvalidEventError("It is no JSON object.")
    return made
