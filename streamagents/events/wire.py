"""The wire: four ways of reading an event, one of writing it (CloudEvents 1.0, Kafka binding).

Read, in this order: binary CloudEvents (`ce_*` headers), structured CloudEvents
(`content-type: application/cloudevents+json`), an envelope `{"id", "type", "data"}`, bare data.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from streamagents.errors import UndecodableError
from streamagents.events.envelope import Envelope, Headers, header

_STRUCTURED = "application/cloudevents"
_ENVELOPE_KEYS = frozenset({"id", "type", "data", "source", "time", "key"})
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def decode(value: bytes, headers: Headers, *, model_has_data: bool = False) -> Envelope:
    """Read one record.

    Args:
        value: the record's bytes.
        headers: the record's headers, raw.
        model_has_data: the event's model has a field `data`, so an object with `data` is the
            event itself and no envelope.

    Raises:
        UndecodableError: the bytes are no JSON, or a CloudEvents attribute cannot be read.
    """
    if headers:
        if any(name in {"ce_specversion", "ce_id", "ce_type"} for name, _ in headers):
            return _binary(value, headers)
        if _content_type(headers).startswith(_STRUCTURED):
            return _structured(value)
    # Only an object with these two words in it can be an envelope: most records are not parsed
    # twice for the sake of the few that are.
    if not model_has_data and b'"data"' in value and b'"type"' in value:
        return _maybe_envelope(value)
    return Envelope("bare", value)


def encode(
    data: bytes,
    *,
    id: str,  # noqa: A002 - CloudEvents calls it so
    source: str,
    type: str,  # noqa: A002 - CloudEvents calls it so
    time: datetime,
    traceparent: bytes,
) -> tuple[bytes, Headers]:
    """Write one event as a binary CloudEvent: the record's value and its headers."""
    return data, (
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type.encode()),
        ("ce_time", rfc3339(time)),
        ("content-type", b"application/json"),
        ("traceparent", traceparent),
    )


def rfc3339(time: datetime) -> bytes:
    """A time as CloudEvents and our headers write it, in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def parse(value: bytes) -> Any:
    """JSON to Python values.

    Raises:
        UndecodableError: the bytes are no JSON.
    """
    try:
        return from_json(value)
    except ValueError as exc:
        raise UndecodableError(f"The record's value is no JSON: {exc}.") from exc


def _binary(value: bytes, headers: Headers) -> Envelope:
    return Envelope(
        form="binary",
        data=value,
        id=_attribute(headers, "ce_id"),
        source=_attribute(headers, "ce_source") or "",
        type=_attribute(headers, "ce_type"),
        time=_time(_attribute(headers, "ce_time")),
    )


def _structured(value: bytes) -> Envelope:
    event = parse(value)
    if not isinstance(event, dict):
        raise UndecodableError("A structured CloudEvent is a JSON object, this value is none.")
    if "data_base64" in event:
        data = _from_base64(event["data_base64"])
    else:
        data = to_json(event.get("data"))
    return Envelope(
        form="structured",
        data=data,
        id=_text(event, "id"),
        source=_text(event, "source") or "",
        type=_text(event, "type"),
        time=_time(event.get("time")),
    )


def _maybe_envelope(value: bytes) -> Envelope:
    parsed = parse(value)
    if not (
        isinstance(parsed, dict)
        and isinstance(parsed.get("type"), str)
        and isinstance(parsed.get("data"), dict)
        and parsed.keys() <= _ENVELOPE_KEYS
    ):
        return Envelope(form="bare", data=value, parsed=parsed)
    return Envelope(
        form="envelope",
        data=to_json(parsed["data"]),
        parsed=parsed["data"],
        id=_scalar(parsed, "id"),
        source=_text(parsed, "source") or "",
        type=parsed["type"],
        time=_time(parsed.get("time")),
        key=_scalar(parsed, "key"),
    )


def _content_type(headers: Headers) -> str:
    for name, value in reversed(headers):
        if name.lower() == "content-type":
            return (value or b"").decode("latin-1").strip().lower()
    return ""


def _attribute(headers: Headers, name: str) -> str | None:
    raw = header(headers, name)
    try:
        return raw.decode() if raw else None
    except UnicodeDecodeError as exc:
        raise UndecodableError(f"The header {name} is no UTF-8.") from exc


def _text(event: dict[str, Any], name: str) -> str | None:
    value = event.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise UndecodableError(f"The attribute {name!r} of the event is no text, but {value!r:.80}.")


def _scalar(event: dict[str, Any], name: str) -> str | None:
    """An id or a key may be written as a number; anything deeper identifies nothing."""
    value = event.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(event, name)


def _time(value: Any) -> datetime | None:
    """In UTC, which is also what a time without a zone is taken for.

    A time that cannot be read is not worth a dead letter: the record's own timestamp serves.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        time = _TIME.validate_python(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValidationError, OverflowError):
        return None


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as exc:
        raise UndecodableError("The event's data_base64 is no base64.") from exc
