"""Which slots are fired, and which were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamagents.events import Event
from streamagents.triggers.cron import Cron, Schedule
from streamagents.triggers.cron.due import due

if TYPE_CHECKING:
    from streamagents.triggers.cron import CatchUp


class Beat(Event, topic="beat"):
    """Needs no data."""


DAY = datetime(2026, 11, 23, tzinfo=UTC)
HOURLY = Cron("0 * * * *")


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def hours(slots: tuple[datetime, ...]) -> list[int]:
    return [int((slot - DAY).total_seconds() // 3600) for slot in slots]


SOON = 0.005
"""18 s."""


@pytest.mark.parametrize(
    ("catch_up", "moments", "wanted"),
    [
        # Nothing went wrong: the policy does not matter.
        ("skip", (8, 9, 9 + SOON), ([], [9], None)),
        ("last", (8, 9, 9 + SOON), ([], [9], None)),
        ("all", (8, 9, 9 + SOON), ([], [9], None)),
        # The tick comes again, or out of order.
        ("all", (9, 9, 9 + SOON), ([], [], None)),
        ("all", (9, 8, 9 + SOON), ([], [], None)),
        # Nobody was there at 9 and at 10, and the tick of 10 comes at half past.
        ("skip", (8, 10, 10.5), ([], [], 10)),
        ("last", (8, 10, 10.5), ([10], [], 9)),
        ("all", (8, 10, 10.5), ([9, 10], [], None)),
        # Nobody was there from 9 to 11, and 12 comes in time.
        ("skip", (8, 12, 12 + SOON), ([], [12], 11)),
        ("last", (8, 12, 12 + SOON), ([], [12], 11)),
        ("all", (8, 12, 12 + SOON), ([9, 10, 11], [12], None)),
        # More than the cap of 3: the newest.
        ("all", (0, 12, 12.5), ([10, 11, 12], [], 9)),
        ("all", (0, 12, 12 + SOON), ([9, 10, 11], [12], 8)),
        # The tick was in time and waited for hours, until its worker was back.
        ("skip", (8, 9, 15), ([], [], 9)),
        ("last", (8, 9, 15), ([9], [], None)),
        # The handler's clock is behind the leader's.
        ("skip", (8, 9, 9 - SOON), ([], [9], None)),
    ],
)
def test_slots_are_fired_as_the_policy_says(
    catch_up: CatchUp,
    moments: tuple[float, float, float],
    wanted: tuple[list[int], list[int], int | None],
) -> None:
    """Of the moments: the last slot, the tick's, and now; of what is wanted: missed, in time."""
    last, slot, now = moments
    found = due(
        HOURLY, last=at(last), slot=at(slot), now=at(now), catch_up=catch_up, cap=3, grace_s=60
    )

    left_out = None if found.left_out is None else hours((found.left_out,))[0]
    assert (hours(found.missed), hours(found.on_time), left_out) == wanted


def test_a_slot_is_missed_when_the_grace_is_over_and_not_before() -> None:
    def on_time(seconds: float) -> bool:
        now = at(9) + timedelta(seconds=seconds)
        return bool(
            due(HOURLY, last=at(8), slot=at(9), now=now, catch_up="skip", cap=1, grace_s=60).on_time
        )

    assert [on_time(seconds) for seconds in (0, 59.9, 60, 60.1)] == [True, True, True, False]


def test_several_slots_within_the_grace_are_all_in_time() -> None:
    found = due(
        Cron("* * * * *"),
        last=at(8),
        slot=at(9),
        now=at(9) + timedelta(seconds=10),
        catch_up="skip",
        cap=1,
        grace_s=200,
    )

    assert [slot.minute for slot in found.on_time] == [57, 58, 59, 0]
    assert found.left_out == at(9) - timedelta(minutes=4)


def test_a_year_of_missed_minutes_is_not_looked_at_one_by_one() -> None:
    class Counting:
        asked = 0

        def latest(self, moment: datetime) -> datetime | None:
            self.asked += 1
            return Cron("* * * * *").latest(moment)

    slots = Counting()
    year = timedelta(days=365)
    found = due(slots, last=DAY - year, slot=DAY, now=at(1), catch_up="all", cap=100, grace_s=60)

    assert len(found.missed) == 100
    assert slots.asked == 100


TEXTS = ["* * * * *", "*/15 * * * *", "30 2 * * *", "0 */3 * * *", "45 1 * * sun", "0,20 2,3 * * *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"]
STARTS = ["2026-03-28T20:00", "2026-10-24T20:00", "2026-03-08T00:00", "2026-04-04T10:00"]


@settings(max_examples=60, deadline=None)
@given(
    st.builds(Cron, st.sampled_from(TEXTS), st.sampled_from(ZONES)),
    st.sampled_from(STARTS),
    st.sampled_from(["skip", "last", "all"]),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=8),
)
def test_over_any_outages_every_slot_is_fired_once_or_left_out_as_the_policy_says(
    cron: Cron,
    start: str,
    catch_up: CatchUp,
    cap: int,
    story: list[tuple[int, bool]],
) -> None:
    """The story is minutes, and whether somebody was there; then a leader looks each minute."""
    now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    last = cron.latest(now)
    assert last is not None
    begin, fired, policies = last, [], []
    clock = Schedule("report", cron.expression, zone=cron.zone.key, event=Beat)
    for minutes, awake in [*story, (1, True)]:
        for _ in range(minutes if awake else 1):
            now += timedelta(minutes=1 if awake else minutes)
            slot = clock.slot(now) if awake else None
            if slot is None or slot <= last:
                continue
            late = now + timedelta(seconds=5)
            what = due(cron, last=last, slot=slot, now=late, catch_up=catch_up, cap=cap, grace_s=60)
            wanted = _between(cron, last, slot)
            on_time = [one for one in wanted if (late - one).total_seconds() <= 60]
            missed = wanted[: len(wanted) - len(on_time)]
            kept = {"skip": 0, "last": 0 if on_time else 1, "all": cap}[catch_up]
            policies += [*missed[len(missed) - min(kept, len(missed)) :], *on_time]
            fired += [*what.missed, *what.on_time]
            last = slot

    assert fired == policies
    assert len(set(fired)) == len(fired)
    assert fired == sorted(fired)
    if catch_up == "all" and cap >= len(_between(cron, begin, last)):
        assert fired == _between(cron, begin, last)


def _between(cron: Cron, after: datetime, until: datetime) -> list[datetime]:
    found, at = [], after
    while (following := cron.next(at)) is not None and following <= until:
        found.append(following)
        at = following
    return found
