"""Addressing: where an event that somebody hands in goes, under which id and key, or why not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import from_json

from streamagents.errors import InvalidEventError, UndecodableError

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.events import Event, EventType
    from streamagents.topics import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What an event is, and where it goes."""

    type: str
    topic: str
    """As on the broker."""
    to_inbox: bool
    """Nobody registered the type."""
    id: str
    key: bytes


def address(
    registry: Registry,
    layout: Layout,
    *,
    type_: str,
    value: bytes,
    id_: str | None = None,
    default_id: str | None = None,
    key: str | None = None,
) -> Address:
    """Check an event, and decide where it goes.

    Args:
        registry: the application's agents and models.
        layout: its topics.
        type_: the event's type.
        value: its data, JSON.
        id_: before that of its id field.
        default_id: where there is neither; without any of them it gets a new one.
        key: for a model that names no key field.

    Raises:
        UndecodableError: the data is no JSON.
        InvalidEventError: it is not what the event's model asks for; pydantic's ValidationError is
            its cause.
    """
    event, model = known(registry, type_)
    payload = _validate(type_, value, model)
    id_ = id_ or (payload.event_id() if payload else None) or default_id or str(uuid.uuid4())
    own_key = payload.event_key() if payload else None
    return Address(
        type=type_,
        topic=layout.typed(event).name if event else layout.inbox().name,
        to_inbox=event is None,
        id=id_,
        key=own_key if own_key is not None else (id_ if key is None else key).encode(),
    )


def known(registry: Registry, type_: str) -> tuple[EventType | None, type[Event] | None]:
    """What the application knows of a type: its topic, and its model if it has one."""
    registration = registry.for_type(type_)
    if registration is not None:
        return registration.event, registration.model
    for model in registry.events.values():  # those that agents emit and nobody takes
        if model.event_type.type == type_:
            return model.event_type, model
    return None, None


def _validate(type_: str, value: bytes, model: type[Event] | None) -> Event | None:
    try:
        # Others read it, too: no NaN and no Infinity, which only some of them take.
        data = from_json(value, allow_inf_nan=False)
    except ValueError as exc:
        raise UndecodableError(f"The data of {type_!r} is no JSON: {exc}.") from exc
    if not isinstance(data, dict):
        raise InvalidEventError(f"The data of {type_!r} is no JSON object.")
    if model is None:
        return None
    try:
        return model.model_validate_json(value)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the data'}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise InvalidEventError(f"The data is no {type_!r}: {faults.rstrip('.')}.") from exc
