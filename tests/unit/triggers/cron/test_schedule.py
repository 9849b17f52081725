"""`Schedule`: what one tick does, and what it leaves for the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from streamagents.agents.tick import Tick, Ticking
from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.testing import FakeContext
from streamagents.triggers import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = datetime(2026, 11, 23, tzinfo=UTC)
SOON = 0.003
"""11 s, in hours."""


class ReportDue(Event, topic="report_due"):
    hour: int = -1


def report(slot: datetime) -> ReportDue:
    return ReportDue(hour=slot.hour)


class Told:
    """The port `Polls`, remembered."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, int]] = []

    def polled(self, monitor: str, outcome: str, at: datetime, **standing: object) -> None:
        raise AssertionError

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        self.all.append((schedule, outcome, at.hour))


class Run:
    """A schedule over the ticks of a day: its state goes from one to the next."""

    def __init__(self, schedule: Schedule, state: Mapping[str, Any] | None = None) -> None:
        self.schedule, self.state = schedule, dict(state or {})
        schedule.polls = self.told = Told()
        self.ids: list[str] = []
        self.logs: list[str] = []

    async def tick(self, hour: float, *, late: float = SOON, **context: Any) -> list[int]:
        """Hand it the tick of an hour, so many hours late; the hours that it fires."""
        slot = at(hour)
        ctx = FakeContext(now=slot + timedelta(hours=late), state=self.state, **context)
        await self.schedule.run(Tick(name=self.schedule.name, slot=slot), ctx)
        self.state = ctx.values
        self.ids += ctx.emitted_ids
        self.logs += [entry["event"] for entry in ctx.logs]
        return [event.hour for event in ctx.emitted if isinstance(event, ReportDue)]


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def hourly(**options: Any) -> Schedule:
    return Schedule("report", "0 * * * *", **{"event": report, **options})


async def begun(hour: float = 8, **options: Any) -> Run:
    """A schedule that has fired before."""
    run = Run(hourly(**options))
    await run.tick(hour)
    return run


def test_a_schedule_is_what_the_clock_wakes() -> None:
    schedule = hourly()

    assert isinstance(schedule, Ticking)
    assert (schedule.name, schedule.source, schedule.emits) == (
        "report",
        "cron/report",
        (ReportDue,),
    )


def test_its_slot_is_the_latest_of_the_expression_also_when_time_goes_back() -> None:
    schedule = hourly()

    found = [schedule.slot(at(hour)) for hour in (9, 9.99, 10.5, 9.5, 12)]

    assert found == [at(9), at(9), at(10), at(9), at(12)]


async def test_the_first_run_ever_fires_nothing_and_begins() -> None:
    run = Run(hourly(catch_up="all"))

    assert await run.tick(8) == []
    assert await run.tick(9) == [9]
    assert run.state["last"] == "2026-11-23T09:00:00+00:00"
    assert run.logs == ["schedule_begins"]


async def test_a_slot_is_an_event_with_the_slot_in_its_id() -> None:
    run = await begun()

    await run.tick(9)

    assert run.ids == ["report:2026-11-23T09:00:00Z"]
    assert run.told.all == [("report", "fired", 9)]


async def test_a_slot_fires_once_however_often_its_tick_comes() -> None:
    run = await begun()

    ticks = ((9, SOON), (9, 0.5), (8, 1.6), (10, SOON), (9, 1.1), (10, 0.2))
    assert [await run.tick(hour, late=late) for hour, late in ticks] == [[9], [], [], [10], [], []]


@pytest.mark.parametrize(
    ("catch_up", "fired", "told"),
    [
        ("skip", [12], [("skipped", 11), ("fired", 12)]),
        ("last", [12], [("skipped", 11), ("fired", 12)]),
        (
            "all",
            [10, 11, 12],
            [("skipped", 9), ("caught_up", 10), ("caught_up", 11), ("fired", 12)],
        ),
    ],
)
async def test_after_an_outage_the_policy_decides(catch_up: Any, fired: Any, told: Any) -> None:
    run = await begun(catch_up=catch_up, cap=2)

    assert await run.tick(12) == fired
    assert [(outcome, hour) for _, outcome, hour in run.told.all] == told
    assert await run.tick(13) == [13]


@pytest.mark.parametrize(("catch_up", "fired"), [("skip", []), ("last", [9]), ("all", [9])])
async def test_a_tick_that_waited_for_hours_is_a_missed_slot(catch_up: Any, fired: Any) -> None:
    run = await begun(catch_up=catch_up)

    assert await run.tick(9, late=3) == fired
    assert await run.tick(13) == ([13] if catch_up != "all" else [10, 11, 12, 13])


@pytest.mark.parametrize("late_s", [0, 59])
async def test_what_is_late_within_the_grace_is_in_time(late_s: float) -> None:
    run = await begun()

    assert await run.tick(9, late=late_s / 3600) == [9]


async def test_a_schedule_whose_expression_or_zone_changed_begins_anew() -> None:
    run = await begun(catch_up="all")
    for changed in (
        Schedule("report", "*/5 * * * *", event=report, catch_up="all"),
        Schedule("report", "*/5 * * * *", event=report, catch_up="all", zone="Asia/Kolkata"),
    ):
        again = Run(changed, run.state)
        assert await again.tick(20) == []
        assert len(await again.tick(20 + 1 / 12)) == 1
        run = again


async def test_spaces_in_an_expression_change_nothing() -> None:
    run = Run(Schedule("report", " 0  * * *  * ", event=report), (await begun()).state)

    assert await run.tick(9) == [9]


async def test_a_tick_of_another_definition_is_left_for_the_next_one() -> None:
    """In a rolling deploy the leader may have another version than who handles its ticks."""
    run = await begun()

    assert await run.tick(8.5) == []
    assert run.state["last"] == "2026-11-23T08:00:00+00:00"
    assert await run.tick(9) == [9]
    assert run.logs == ["schedule_begins", "tick_not_ours"]


async def test_a_tick_of_a_leader_whose_clock_is_hours_ahead_fires_nothing() -> None:
    run = await begun()

    assert await run.tick(20, late=-11) == []
    assert await run.tick(9) == [9]


async def test_after_a_clock_that_was_ahead_the_schedule_goes_on_when_it_is_right() -> None:
    run = await begun(catch_up="all", cap=3)
    await run.tick(500)  # the clock says so, and all that it fires has ids of its own
    assert run.state["last"].startswith("2026-12-13")

    assert await run.tick(9) == [9]
    assert await run.tick(10) == [10]


async def test_the_function_gets_the_slot_in_the_schedules_zone() -> None:
    run = Run(hourly(zone="America/New_York"), {})
    await run.tick(8)

    assert await run.tick(15) == [10]
    assert run.ids == ["report:2026-11-23T15:00:00Z"]


async def test_a_function_that_fails_fails_the_tick_and_the_slot_is_tried_again() -> None:
    def failing(slot: datetime) -> ReportDue:
        raise ValueError("no calendar")

    run = await begun()
    run.schedule = hourly(event=failing)
    for attempt in (1, 2, 3):
        with pytest.raises(ValueError, match="no calendar"):
            await run.tick(9, attempt=attempt)
    assert run.state["last"] == "2026-11-23T08:00:00+00:00"


async def test_an_old_slot_that_cannot_be_made_does_not_bar_the_way() -> None:
    def picky(slot: datetime) -> ReportDue:
        if slot.hour == 9:
            raise ValueError("nine is closed")
        return report(slot)

    run = await begun(event=picky, catch_up="all")
    for attempt in (1, 2):
        with pytest.raises(ValueError, match="nine is closed"):
            await run.tick(11, attempt=attempt)
    run.told.all.clear()

    assert await run.tick(11, attempt=3) == [10, 11]
    assert run.told.all[0] == ("report", "skipped", 9)
    assert await run.tick(12) == [12]


async def test_a_letter_that_is_replayed_fires_its_slot_although_later_ones_have_been() -> None:
    run = await begun()
    await run.tick(12)
    replayed = {"streamagents-replay-count": b"1"}

    assert await run.tick(9, late=9, headers=replayed) == [9]
    assert run.state["last"] == "2026-11-23T12:00:00+00:00"


async def test_a_state_of_another_key_is_not_there_after_a_rename() -> None:
    run = Run(Schedule("renamed", "0 * * * *", event=report, catch_up="all"))

    assert await run.tick(9) == []
    assert await run.tick(10) == [10]
    assert run.ids == ["renamed:2026-11-23T10:00:00Z"]


async def test_both_runs_of_an_hour_that_comes_twice_have_ids_of_their_own() -> None:
    schedule = Schedule("report", "*/30 * * * *", event=report, zone="Europe/Berlin")
    run = Run(schedule)
    night = datetime(2026, 10, 25, 2, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    first = (night.astimezone(UTC) - DAY).total_seconds() / 3600

    for half in range(5):
        await run.tick(first + half / 2)

    assert run.ids == [
        f"report:2026-10-25T{hour}Z" for hour in ("00:30:00", "01:00:00", "01:30:00", "02:00:00")
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"catch_up": "some"}, "none of skip, last, all"),
        ({"cap": 0}, "cap=0"),
        ({"cap": 1001}, "cap=1001"),
        ({"cap": True}, "cap=True"),
        ({"cap": 1.5}, r"cap=1\.5"),
        ({"grace_s": 0}, "grace_s=0"),
        ({"grace_s": 3601}, "grace_s=3601"),
        ({"grace_s": "60"}, "grace_s='60'"),
        ({"zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"event": dict}, "is no event"),
    ],
)
def test_what_cannot_work_is_refused_and_names_the_schedule(options: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Schedule\('report'\): .*{why}"):
        hourly(**options)


async def test_the_first_start_fires_the_latest_slot_where_that_is_asked_for() -> None:
    run = Run(hourly(first="latest"))

    assert await run.tick(8) == [8]
    assert await run.tick(8) == []
    assert await run.tick(9) == [9]
    assert run.ids == ["report:2026-11-23T08:00:00Z", "report:2026-11-23T09:00:00Z"]


async def test_a_latest_slot_that_is_long_past_is_not_fired_at_the_first_start() -> None:
    run = Run(hourly(first="latest"))

    assert await run.tick(8, late=0.5) == []
    assert await run.tick(9) == [9]


def test_a_first_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="first='all'"):
        hourly(first="all")
