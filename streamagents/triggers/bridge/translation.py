"""Translation: one message of a queue becomes one record of ours, whatever it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from streamagents.errors import EventError, EventTooLargeError, InvalidEventError, UndecodableError
from streamagents.events.envelope import header
from streamagents.events.trace import HEADER
from streamagents.events.wire import parse
from streamagents.topics import MIB
from streamagents.triggers.inbound import made_of, mapper

if TYPE_CHECKING:
    from streamagents.events import Event
    from streamagents.ports import Message, Outgoing
    from streamagents.triggers.bridge.bridge import Bridge
    from streamagents.triggers.inbound import Inbound

_MAX_TOLD_BYTES = 4 * MIB
"""What an event about a message can hold, also as base64."""


@dataclass(frozen=True, slots=True)
class Translated:
    """What a message became."""

    record: Outgoing | None
    """None: it is left out."""
    reason: str = ""
    """Why it is no such event, and what is told of it is sent instead."""


class Translation:
    """Translates the messages of one bridge.

    Args:
        bridge: its rules.
        inbound: makes the records.
        model: of its events, where the application has one.
    """

    def __init__(self, bridge: Bridge, inbound: Inbound, model: type[Event] | None) -> None:
        self._bridge, self._inbound = bridge, inbound
        self._make = mapper(bridge.fields)
        self._skips_tombstones = model is not None and model.event_type.tombstones == "skip"

    def translate(self, message: Message) -> Translated:
        """The record of a message. What cannot be an event is told of, so that nothing is lost."""
        if message.value is None and self._skips_tombstones:
            return Translated(None)
        try:
            return Translated(self._event(message))
        except EventError as exc:
            return Translated(self.unmapped(message, str(exc)), str(exc))

    def unmapped(self, message: Message, reason: str) -> Outgoing:
        """An event that tells of a message, for the inbox unless an agent takes its type."""
        told: dict[str, Any] = {
            "bridge": self._bridge.name,
            "id": message.id,
            "reason": reason,
            "key": None if message.key is None else _text(message.key),
            "headers": {
                _text(name.encode()): _text(value or b"") for name, value in message.headers
            },
            **_value(message.value),
        }
        try:
            return self._record(message, self._bridge.unmapped_type, to_json(told), id_=message.id)
        except EventTooLargeError:  # its headers are large
            return self.brief(message, reason)

    def brief(self, message: Message, reason: str) -> Outgoing:
        """An event that tells where a message lies, and nothing of what is in it."""
        told = {"bridge": self._bridge.name, "id": message.id, "reason": reason}
        return self._record(message, self._bridge.unmapped_type, to_json(told), id_=message.id)

    def _event(self, message: Message) -> Outgoing | None:
        if message.value is None:
            raise InvalidEventError("It has no value: a tombstone.")
        try:
            payload = parse(message.value)
        except UndecodableError as exc:
            raise UndecodableError(f"Its value is no JSON: {exc.__cause__}.") from exc
        data = made_of(self._make, payload)
        if data is None:
            return None
        id_ = _id(self._bridge.id_of(payload))
        return self._record(message, self._bridge.type, data, id_=id_)

    def _record(self, message: Message, type_: str, data: bytes, *, id_: str | None) -> Outgoing:
        return self._inbound.record(
            type_,
            data,
            id_=id_,
            default_id=message.id,
            key=None if message.key is None else _text(message.key),
            parent=header(message.headers, HEADER),
        )


def _id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidEventError("Its id is neither text nor a whole number.")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidEventError("Its id is no UTF-8.") from exc
    return text


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _value(value: bytes | None) -> dict[str, Any]:
    """As text where it is text; what is too large for an event stays where it lies."""
    if value is None:
        return {"value": None}
    if len(value) > _MAX_TOLD_BYTES:
        return {"value_bytes": len(value)}
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
