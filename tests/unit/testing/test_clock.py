"""Time that passes when it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streamagents.testing import FakeClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock = FakeClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 3, 1, 12, tzinfo=UTC), 0)

    clock.advance(90.5)

    assert clock.now() == datetime(2026, 3, 1, 12, 1, 30, 500_000, tzinfo=UTC)
    assert clock.monotonic() == 90.5


def test_a_start_elsewhere_is_told_in_utc() -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert FakeClock(start).now().isoformat() == "2026-03-01T10:00:00+00:00"


async def test_sleepers_wake_when_their_time_has_come_the_earliest_first() -> None:
    clock = FakeClock()
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (30, 10, 20):
            group.create_task(sleeper(seconds))
        await asyncio.sleep(0)
        assert clock.next_wake_s == 10
        clock.advance(25)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (woken, clock.next_wake_s) == ([10, 20], 5)
        clock.advance(5)

    assert woken == [10, 20, 30]
    assert clock.next_wake_s is None


async def test_a_sleeper_that_is_cancelled_is_forgotten() -> None:
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)

    sleeper.cancel()
    await asyncio.wait([sleeper])

    assert clock.next_wake_s is None
    clock.advance(10)


async def test_a_sleep_of_nothing_does_not_wait() -> None:
    await asyncio.wait_for(FakeClock().sleep(0), 1)


def test_time_neither_goes_back_nor_floats_without_a_zone() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)
    with pytest.raises(ValueError, match="needs a time zone"):
        FakeClock(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
