"""The partitioner: Kafka's own, or duplicates would not meet those of other clients."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streamagents.runtime.partitioner import partition_of
from streamagents.testing.bus import murmur2_partition

# From org.apache.kafka.common.utils.UtilsTest.testMurmur2, as signed 32-bit numbers.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "hashed"), VECTORS.items())
@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 16, 97, 10_000])
def test_known_keys_go_where_the_java_client_sends_them(
    key: bytes, hashed: int, partitions: int
) -> None:
    assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize(("key", "hashed"), VECTORS.items())
def test_the_drivers_hash_is_the_java_clients(key: bytes, hashed: int) -> None:
    assert murmur2(key) & 0xFFFFFFFF == hashed & 0xFFFFFFFF


@given(st.binary(max_size=300), st.integers(1, 10_000))
def test_the_fakes_partitioner_is_the_runtimes(key: bytes, partitions: int) -> None:
    assert murmur2_partition(key, partitions) == partition_of(key, partitions)


@given(st.binary(max_size=100), st.integers(1, 10_000))
def test_a_key_has_one_partition_and_it_exists(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
    assert partition_of(key, partitions) == partition_of(bytes(key), partitions)


def test_an_empty_key_has_a_partition_too() -> None:
    assert partition_of(b"", 4) == (murmur2(b"") & 0x7FFFFFFF) % 4
