"""`run_tick`: what a user tests a schedule with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.testing import FakeContext, run_tick
from streamagents.triggers import Schedule
from support.metronome import Beat, Metronome

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


class ReportDue(Event, topic="report_due"):
    day: str = ""


def report(slot: datetime) -> ReportDue:
    return ReportDue(day=slot.strftime("%A"))


SCHEDULE = Schedule("report", "0 9 * * *", event=report)


@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=3)])
async def test_a_schedule_fires_its_latest_slot(late: timedelta) -> None:
    ctx = await run_tick(SCHEDULE, NINE + late)

    assert ctx.emitted == [ReportDue(day="Monday")]
    assert ctx.emitted_ids == ["report:2026-11-23T09:00:00Z"]
    assert (ctx.event.id, ctx.now()) == ("report:2026-11-23T09:00:00Z", NINE)


async def test_a_state_of_the_tests_own_counts() -> None:
    first = FakeContext(now=NINE)

    assert (await run_tick(SCHEDULE, NINE, ctx=first)).emitted == []
    assert first.values["last"] == NINE.isoformat()


async def test_whatever_ticks_can_be_woken() -> None:
    ctx = await run_tick(Metronome("pulse", 3600), NINE + timedelta(minutes=5))

    assert ctx.emitted == [Beat(name="pulse", slot=NINE)]


async def test_what_has_no_slot_yet_cannot_be_woken() -> None:
    class Never(Metronome):
        def slot(self, now: datetime) -> datetime | None:
            return None

    with pytest.raises(ConfigurationError, match="pulse has no slot at or before 2026-11-23T09"):
        await run_tick(Never(), NINE)
