"""Kafka's default partitioner, as every client of ours uses it."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

_WORD = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF
_SEED = 0x9747B28C
_MIXER = 0x5BD1E995
_CACHED_BYTES = 128
"""Longer keys are hashed each time: nobody fills the memory with keys."""
_WORDS = [Struct(f"<{number}I").unpack_from for number in range(_CACHED_BYTES // 4 + 1)]


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner: where a key belongs."""
    hashed = _cached(key) if len(key) <= _CACHED_BYTES else murmur2(key) & _POSITIVE
    return hashed % partitions


def murmur2(key: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of Kafka's Java client.

    As in org.apache.kafka.common.utils.Utils; aiokafka's, byte by byte, takes twice as long.
    """
    size = len(key)
    whole = size >> 2
    words = _WORDS[whole] if whole < len(_WORDS) else Struct(f"<{whole}I").unpack_from
    value = _SEED ^ size
    for word in words(key):
        mixed = word * _MIXER & _WORD
        value = value * _MIXER & _WORD ^ ((mixed ^ mixed >> 24) * _MIXER & _WORD)
    if size & 3:
        value = (value ^ int.from_bytes(key[whole << 2 :], "little")) * _MIXER & _WORD
    value = (value ^ value >> 13) * _MIXER & _WORD
    return value ^ value >> 15


@lru_cache(maxsize=16_384)  # keys come again; a larger one is slower than the hash
def _cached(key: bytes) -> int:
    return murmur2(key) & _POSITIVE
