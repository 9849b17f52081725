"""What the bus in memory offers beyond the contract: its own limits, and going away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streamagents.errors import BrokerUnavailableError, EventTooLargeError
from streamagents.ports import Outgoing
from streamagents.testing import FakeClock, MemoryBus

RECORD = Outgoing(topic="t", key=b"k", value=b"{}")


async def test_a_broker_that_is_taken_away_keeps_nothing() -> None:
    bus = MemoryBus({"t": 1})
    bus.available = False

    with pytest.raises(BrokerUnavailableError):
        await bus.send(RECORD)

    bus.available = True
    assert bus.records("t") == []


async def test_a_record_without_a_timestamp_has_that_of_the_clock() -> None:
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with MemoryBus({"t": 1}, clock=clock) as bus:
        await bus.send(RECORD)

    assert bus.records("t")[0].timestamp == int(clock.now().timestamp()) * 1000


async def test_a_limit_and_a_partitioner_of_the_tests_own_count() -> None:
    bus = MemoryBus({"t": 9}, max_record_bytes=3, partition_of=lambda _key, count: count - 1)

    assert (await bus.send(RECORD)).partition == 8
    with pytest.raises(EventTooLargeError):
        await bus.send(Outgoing(topic="t", key=b"k", value=b"123"))
