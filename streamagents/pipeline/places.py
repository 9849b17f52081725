"""Places: under which keys the state keeps what belongs to an event, an agent, a lane.

One letter says what a key is of: `e` marks (see `identity.py`), `i` intents, `s` steps, `v` values
of `ctx.state`, `p` parked records, `d` delayed ones. Digests have a fixed length, so that no name a
sender chooses can reach into another's place.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

PARKED = b"p\0"
DELAYED = b"d\0"
MARKS = b"e\0"
STEPS = b"s\0"
VALUES = b"v\0"
_DIGEST_BYTES = 16
_NUMBER = struct.Struct(">Q")


def steps_of(seen_key: bytes) -> bytes:
    """The prefix of the steps of an event; its mark's key is `seen_key`."""
    return STEPS + _digest(seen_key)


def step_key(seen_key: bytes, path: str) -> bytes:
    """Where the result of a step is."""
    return steps_of(seen_key) + path.encode(errors="backslashreplace")


def values_of(agent: str, key: bytes) -> bytes:
    """The prefix of the values of an agent and a key."""
    return VALUES + _digest(agent.encode(), key)


def value_key(agent: str, key: bytes, name: str) -> bytes:
    """Where a value of `ctx.state` is."""
    return values_of(agent, key) + name.encode(errors="backslashreplace")


def lane_digest(*parts: bytes) -> bytes:
    """Names a lane in the state."""
    return _digest(*parts)


def parked_key(lane: bytes, number: int) -> bytes:
    """Where a parked record is: behind all of its lane with a lower number."""
    return PARKED + lane + _NUMBER.pack(number)


def read_parked_key(key: bytes) -> tuple[bytes, int]:
    """The lane's digest and the number."""
    rest = key[len(PARKED) :]
    return rest[:_DIGEST_BYTES], int(_NUMBER.unpack(rest[_DIGEST_BYTES:])[0])


def delayed_key(due_ms: int, topic: str, offset: int) -> bytes:
    """Where a delayed record is: ordered by its time."""
    return DELAYED + _NUMBER.pack(due_ms) + topic.encode() + b"\0" + _NUMBER.pack(offset)


def due_of(key: bytes) -> int:
    """When a delayed record is due, in milliseconds since the epoch."""
    return int(_NUMBER.unpack_from(key, len(DELAYED))[0])


def topic_of(key: bytes) -> str:
    """The topic of a delayed record."""
    return key[len(DELAYED) + _NUMBER.size : -_NUMBER.size - 1].decode()


def _digest(*parts: bytes) -> bytes:
    # The lengths in front: what is in one part cannot move into the next.
    lengths = b",".join(b"%d" % len(part) for part in parts)
    return blake2b(lengths + b"\0" + b"".join(parts), digest_size=_DIGEST_BYTES).digest()
