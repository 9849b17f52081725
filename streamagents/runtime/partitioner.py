"""Kafka's default partitioner, as every client of ours uses it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

_CACHED_BYTES = 128
"""Longer keys are hashed each time: nobody fills the memory with keys."""


def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


_cached = lru_cache(maxsize=65_536)(_hash)  # murmur2 is pure Python, and keys come again


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner: where a key belongs."""
    hashed = _cached(key) if len(key) <= _CACHED_BYTES else _hash(key)
    return hashed % partitions
