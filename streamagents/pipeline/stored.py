"""Stored: what the state keeps of records that wait, and of steps and values, as bytes.

Each begins with the format byte and holds its record key, so that a topic can be grown later.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.agents.steps import StepResult
from streamagents.pipeline.mark import FORMAT, refuse_newer

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.events import Headers
    from streamagents.ports import Record

_RECORD = struct.Struct(">BQqQIHiiI")
_VALUE = struct.Struct(">BiH8s")
_SIZE = struct.Struct(">i")
_NONE = -1
_MAX_KEY = 0xFFFE
"""Of a longer key the beginning is kept, as in a mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record that waits in the state: the port `Record`, at its old place."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    due_ms: int
    """When it may run, in milliseconds since the epoch; 0 for one that waits behind another."""
    entry: bytes
    """Its key in the state: deleted with its outcome."""


def encode_record(record: Record, due_ms: int) -> bytes:
    """A record's bytes in the state."""
    topic = record.topic.encode()
    parts = [topic, record.key or b"", record.value or b""]
    for name, value in record.headers:
        for text in (name.encode(), value):  # Kafka's header values may be null
            parts += (_SIZE.pack(_NONE if text is None else len(text)), text or b"")
    fixed = _RECORD.pack(
        FORMAT,
        due_ms,
        record.timestamp,
        record.offset,
        record.partition,
        len(topic),
        _NONE if record.key is None else len(record.key),
        _NONE if record.value is None else len(record.value),
        len(record.headers),
    )
    return fixed + b"".join(parts)


def decode_record(
    entry: bytes, raw: bytes, name_of: Callable[[bytes], str] = bytes.decode
) -> StoredRecord:
    """Read a record that waits.

    Args:
        entry: its key in the state.
        raw: its value there.
        name_of: makes a header's name of its bytes, which may be no UTF-8.

    Raises:
        NewerFormatError: this version does not know its format.
    """
    refuse_newer(raw)
    _, due_ms, timestamp, offset, partition, topic, key, value, headers = _RECORD.unpack_from(raw)
    at = _RECORD.size

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return raw[at - size : at]

    def text() -> Any:
        size = _SIZE.unpack(take(_SIZE.size))[0]
        return None if size == _NONE else take(size)

    return StoredRecord(
        topic=take(topic).decode(),
        key=None if key == _NONE else take(key),
        value=None if value == _NONE else take(value),
        headers=tuple((name_of(text()), text()) for _ in range(headers)),
        partition=partition,
        offset=offset,
        timestamp=timestamp,
        due_ms=due_ms,
        entry=entry,
    )


def due_ms_of(raw: bytes) -> int:
    """When a stored record is due, without reading all of it."""
    refuse_newer(raw)
    return int(_RECORD.unpack_from(raw)[1])


def encode_value(key: bytes | None, raw: bytes) -> bytes:
    """A value of `ctx.state`."""
    return _with_key(key, b"", bytes(8)) + raw


def encode_step(key: bytes | None, result: StepResult) -> bytes:
    """The result of a step."""
    return _with_key(key, result.version.encode(), result.digest) + result.json


def decode_value(raw: bytes) -> bytes:
    """The JSON of a value.

    Raises:
        NewerFormatError: this version does not know its format.
    """
    return decode_step(raw).json


def decode_step(raw: bytes) -> StepResult:
    """The result of a step.

    Raises:
        NewerFormatError: this version does not know its format.
    """
    refuse_newer(raw)
    _, key, version, digest = _VALUE.unpack_from(raw)
    at = _VALUE.size + max(key, 0)
    return StepResult(digest, raw[at : at + version].decode(), raw[at + version :])


def key_of(raw: bytes) -> bytes | None:
    """The record key that a value or a step belongs to.

    Raises:
        NewerFormatError: this version does not know its format.
    """
    refuse_newer(raw)
    length = _VALUE.unpack_from(raw)[1]
    return None if length == _NONE else raw[_VALUE.size : _VALUE.size + length]


def _with_key(key: bytes | None, version: bytes, digest: bytes) -> bytes:
    key = None if key is None else key[:_MAX_KEY]
    length = _NONE if key is None else len(key)
    return _VALUE.pack(FORMAT, length, len(version), digest) + (key or b"") + version
