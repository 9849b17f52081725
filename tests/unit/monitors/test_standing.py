"""When a monitor looks again. The loop's tests show the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streamagents.monitors.standing import Standing, back_off_s, why_skip

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("every_s", "slot", "latest", "standing", "reason"),
    [
        (900, 0, 0, {}, ""),
        (900, 0, 900, {}, "a later tick is due"),
        (2, 0, 2, {}, ""),  # the tick itself took so long
        (2, 0, 4, {}, "a later tick is due"),
        (900, 0, 0, {"slot": at(0)}, "it was looked at"),
        (900, -900, 0, {"slot": at(0)}, "it was looked at"),
        (900, 0, 0, {"slot": at(-900)}, ""),
        (900, 0, 0, {"slot": at(86_400)}, ""),  # by a clock that was ahead
        (900, 0, 0, {"not_before": at(5)}, "not before 2026-11-03 00:00:05"),
        (900, 0, 0, {"not_before": at(0)}, ""),
        (900, 0, 0, {"not_before": at(90_000)}, ""),  # likewise
        (200_000, 0, 0, {"not_before": at(90_000)}, "not before 2026-11-04 01:00:00"),
    ],
)
def test_a_tick_is_looked_at_or_not(
    every_s: float, slot: float, latest: float, standing: Any, reason: str
) -> None:
    assert why_skip(at(slot), at(latest), NOW, Standing(**standing), every_s) == reason


@pytest.mark.parametrize(
    ("every_s", "waits"),
    [
        (900, [900, 1800, 3600, 3600]),
        (60, [60, 120, 240, 480]),
        (7200, [7200, 7200, 7200, 7200]),
    ],
)
def test_failures_are_backed_off(every_s: float, waits: list[float]) -> None:
    assert [back_off_s(failures, every_s) for failures in range(1, 5)] == waits
    assert back_off_s(10**6, every_s) == max(every_s, 3600)
