"""Kafka's default partitioner, as every client of ours uses it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)  # murmur2 is pure Python, and keys come again
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner: where a key belongs."""
    return _hash(key) % partitions
