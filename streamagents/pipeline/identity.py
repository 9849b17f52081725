"""Identity: which record is which event, where it came from, and what orders it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from streamagents.events.envelope import header
from streamagents.ports import Position

if TYPE_CHECKING:
    from streamagents.events import Envelope, Headers
    from streamagents.ports import Record

ORIGIN = "streamagents-origin"
ORIGIN_KEY = "streamagents-origin-key"

_POSITION = re.compile(r"(.{1,249}):([0-9]{1,9}):([0-9]{1,18})", re.DOTALL)
_LANE_BYTES = 8
_LONG_BYTES = 128
"""Beyond it an id is kept as its digest: state stays small whatever a sender calls an event."""


def forwarded_from(headers: Headers) -> tuple[Position, bytes | None] | None:
    """Where a record was first written and under which key; None if it lies where it was."""
    position = read_position(header(headers, ORIGIN))
    return None if position is None else (position, header(headers, ORIGIN_KEY))


def read_position(raw: bytes | None) -> Position | None:
    """A position as its text has it; None if it is none."""
    if raw is not None and (match := _POSITION.fullmatch(raw.decode(errors="replace"))):
        return Position(match[1], int(match[2]), int(match[3]))
    return None


def origin_of(record: Record, headers: Headers) -> tuple[Position, bytes | None, bool]:
    """Where the record was first written, under which key, and whether it was forwarded."""
    forwarded = forwarded_from(headers)
    if forwarded is not None:
        return *forwarded, True
    return Position(record.topic, record.partition, record.offset), record.key, False


def forwarded_headers(record: Record, headers: Headers) -> Headers:
    """The record's headers, and where it was first written."""
    origin, key, forwarded = origin_of(record, headers)
    if forwarded:
        return headers
    ours: Headers = ((ORIGIN, str(origin).encode()),)
    return headers + ours + (() if key is None else ((ORIGIN_KEY, key),))


def fallback_key(
    envelope: Envelope, record_key: bytes | None, id_: str, *, positional: bool
) -> bytes | None:
    """What orders and partitions an event whose model does not say it.

    The record's key, then the envelope's; without either it is the event id, so that duplicates
    meet. A position is nobody's duplicate: it needs no key and no other partition.
    """
    if record_key is not None:
        return record_key
    if envelope.key is not None:
        return envelope.key.encode()
    return None if positional else id_.encode()


def seen_key(topic: str, source: str, id_: str, key: bytes | None) -> bytes:
    """The state key of an event's mark. The same id under two keys is two events."""
    # The length in front: what a sender puts into its ids cannot make two events one.
    if source:
        raw = source.encode()
        name = b"%d\0%b\0%b" % (len(raw), raw, id_.encode())
    else:
        name = b"0\0\0" + id_.encode()
    if len(name) > _LONG_BYTES:
        name = b"#" + blake2b(name, digest_size=16).digest()
    if key is None:
        lane = b"-"
    else:  # keys come again, but nobody fills the memory with them
        lane = _lane(key) if len(key) <= _LONG_BYTES else _lane.__wrapped__(key)
    return _prefix(topic) + lane + name


@lru_cache(maxsize=16_384)
def _lane(key: bytes) -> bytes:
    return b"k" + blake2b(key, digest_size=_LANE_BYTES).digest()


@lru_cache(maxsize=1024)  # an application has so many topics
def _prefix(topic: str) -> bytes:
    return b"e\0%b\0" % topic.encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the state key of a mark says."""

    topic: str
    id: str
    """The event's id; empty where it was too long to be kept."""
    identity: bytes
    """The state key that the event would have without a key: the same for all its duplicates."""


def read_seen_key(key: bytes) -> Seen | None:
    """Read the state key of a mark; None if it is the key of something else."""
    head, _, rest = key.partition(b"\0")
    topic, _, rest = rest.partition(b"\0")
    if head != b"e" or not rest:
        return None
    name = rest[1 + _LANE_BYTES :] if rest[:1] == b"k" else rest[1:]
    length, _, texts = name.partition(b"\0")
    id_ = texts[int(length) + 1 :] if length.isdigit() else b""
    return Seen(topic.decode(), id_.decode(), b"e\0%b\0-%b" % (topic, name))


def digest(value: bytes | None) -> bytes:
    """Eight bytes that tell two records of the same id apart."""
    return blake2b(value or b"", digest_size=8).digest()
