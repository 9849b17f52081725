"""`Cron`: slots by the clocks of a zone, over every way in which clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamagents.errors import ConfigurationError
from streamagents.triggers.cron import Cron
from streamagents.triggers.cron import expression as expression_module
from streamagents.triggers.cron.walls import moments


def slots(text: str, zone: str, start: str, hours: float) -> list[str]:
    """The slots from a moment in UTC on, as the clocks of the zone show them, with their offset."""
    cron = Cron(text, zone)
    at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    end = at + timedelta(hours=hours)
    found: list[str] = []
    while (following := cron.next(at)) is not None and following <= end:
        at = following
        found.append(at.astimezone(cron.zone).strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("text", "zone", "start", "hours", "wanted"),
    [
        # Spring in Berlin: 02:00 to 03:00 is left out on 29 March 2026.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00", 40,
         ["03-28 02:30+0100", "03-29 03:00+0200"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", 24, ["03-29 03:00+0200"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00", 2,
         ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200", "03-29 04:00+0200"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 24, []),
        ("15 * * * *", "Europe/Berlin", "2026-03-28T23:30", 3,
         ["03-29 01:15+0100", "03-29 03:15+0200", "03-29 04:15+0200"]),
        # Autumn: 02:00 to 03:00 comes twice on 25 October 2026.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 48,
         ["10-25 02:30+0200", "10-26 02:30+0100"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00", 2,
         ["10-25 02:30+0200", "10-25 02:00+0100", "10-25 02:30+0100", "10-25 03:00+0100"]),
        ("0 9 * * mon-fri", "Europe/Berlin", "2026-10-23T12:00", 72, ["10-26 09:00+0100"]),
        # New York, 8 March and 1 November 2026.
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", 48,
         ["03-08 03:00-0400", "03-09 02:30-0400"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", 48,
         ["11-01 01:30-0400", "11-02 01:30-0500"]),
        # Lord Howe sets its clocks by half an hour.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T00:00", 60,
         ["10-03 02:15+1030", "10-04 02:30+1100"]),
        ("*/15 * * * *", "Australia/Lord_Howe", "2026-10-03T15:14", 0.7,
         ["10-04 01:45+1030", "10-04 02:30+1100", "10-04 02:45+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00", 48,
         ["04-05 01:45+1100", "04-06 01:45+1030"]),
        ("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:31", 1,
         ["04-05 01:45+1100", "04-05 01:30+1030", "04-05 01:45+1030", "04-05 02:00+1030"]),
        # Samoa had no 30 December 2011.
        ("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00", 48,
         ["12-29 09:00-1000", "12-31 00:00+1400", "12-31 09:00+1400"]),
        ("0 */8 * * *", "Pacific/Apia", "2011-12-29T20:00", 32,
         ["12-29 16:00-1000", "12-31 00:00+1400", "12-31 08:00+1400", "12-31 16:00+1400"]),
        # Beirut sets its clocks at midnight: a day begins at one.
        ("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00", 24, ["03-29 01:00+0300"]),
        ("*/30 0 * * *", "Asia/Beirut", "2026-03-28T12:00", 24, []),
        # Rare ones.
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", 24 * 365 * 8,
         ["02-29 00:00+0000", "02-29 00:00+0000"]),
        ("0 12 L * *", "UTC", "2028-02-01T00:00", 24 * 60,
         ["02-29 12:00+0000", "03-31 12:00+0000"]),
        ("0 12 LW * *", "UTC", "2026-05-01T00:00", 24 * 31, ["05-29 12:00+0000"]),
        ("0 9 * * fri#2", "UTC", "2026-11-01T00:00", 24 * 60,
         ["11-13 09:00+0000", "12-11 09:00+0000"]),
        ("0 9 * * 5L", "UTC", "2026-11-01T00:00", 24 * 31, ["11-27 09:00+0000"]),
        ("0 9 1 * mon", "UTC", "2026-11-01T12:00", 24 * 30,
         ["11-02 09:00+0000", "11-09 09:00+0000", "11-16 09:00+0000", "11-23 09:00+0000",
          "11-30 09:00+0000", "12-01 09:00+0000"]),
    ],
)  # fmt: skip
def test_slots_go_by_the_clocks_of_the_zone(
    text: str, zone: str, start: str, hours: float, wanted: list[str]
) -> None:
    assert slots(text, zone, start, hours) == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "Seconds"),
        ("@daily", "@daily are not supported"),
        ("60 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("* * 0 * *", "bad day-of-month"),
        ("* * * 13 *", "bad month"),
        ("* * * * 8", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("5-1 * * * *", "bad minute"),
        ("0 0 ? * *", "bad day-of-month"),
        ("0 0 30 2 *", "never fire"),
        ("0 0 31 4,6 *", "never fire"),
        ("* * * * mon-sunday", "bad day-of-week"),
        ("\N{FULLWIDTH DIGIT ONE} * * * *", "bad minute"),
        (None, "is a text"),
    ],
)
def test_an_expression_that_is_none_or_never_fires_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        Cron(text)


@pytest.mark.parametrize(
    "zone", ["", "Berlin", "CEST?", "../UTC", "/etc/localtime", "Europe", "Europe/\0", None]
)
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no time zone|is a text"):
        Cron("* * * * *", zone)


def test_where_no_zone_is_known_the_error_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expression_module, "available_timezones", set)

    with pytest.raises(ConfigurationError, match="install the package tzdata"):
        Cron("* * * * *", "Europe/Nowhere")


@pytest.mark.parametrize(
    ("text", "moment", "latest"),
    [
        ("0 9 * * *", "2026-11-23T09:00:00", "2026-11-23T09:00"),
        ("0 9 * * *", "2026-11-23T08:59:59.999999", "2026-11-22T09:00"),
        ("0 9 * * *", "2026-11-23T09:00:00.000001", "2026-11-23T09:00"),
        ("* * * * *", "2026-11-23T09:00:59.9", "2026-11-23T09:00"),
        ("0 0 29 2 *", "2026-11-23T00:00:00", "2024-02-29T00:00"),
        ("0 0 * 2 mon#5", "2026-11-23T00:00:00", "2016-02-29T00:00"),
    ],
)
def test_the_latest_slot_is_at_or_before_the_moment(text: str, moment: str, latest: str) -> None:
    found = Cron(text).latest(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(latest).replace(tzinfo=UTC)


ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
    "Asia/Beirut", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Africa/Cairo",
    "America/Santiago", "Antarctica/Troll",
]  # fmt: skip
FIELDS = (
    ["*", "0", "30", "*/15", "*/7", "10-40/10", "59", "0,30"],
    ["*", "0", "2", "*/3", "1-3", "23", "0,2,3"],
    ["*", "*", "1", "29", "L", "*/10"],
    ["*", "*", "3", "oct-nov", "2,12"],
    ["*", "*", "mon-fri", "sun", "sun#2", "0L"],
)
MOMENTS = st.integers(1_262_304_000, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC))
"""2010 to 2029."""
NEAR_A_CHANGE = st.builds(
    lambda day, minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + minutes,
    st.sampled_from(
        ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-04", "2026-10-03",
         "2011-12-30", "2026-02-15", "2026-03-22", "2026-04-24", "2026-10-29", "2026-09-06"]
    ),
    st.integers(-2000, 2000).map(lambda minutes: timedelta(minutes=minutes)),
)  # fmt: skip
CRONS = st.tuples(*map(st.sampled_from, FIELDS)).map(" ".join)


def crons(text: str, zone: str) -> Cron | None:
    try:
        return Cron(text, zone)
    except ConfigurationError:  # such as the 29th of February if it is a Sunday, and the last
        return None


@settings(max_examples=300, deadline=None)
@given(CRONS, st.sampled_from(ZONES), st.one_of(MOMENTS, NEAR_A_CHANGE), st.data())
def test_forward_and_backward_name_the_same_slots_wherever_one_begins(
    text: str, zone: str, moment: datetime, data: st.DataObject
) -> None:
    cron = crons(text, zone)
    if cron is None:
        return
    forward, at = [], moment
    for _ in range(6):
        following = cron.next(at)
        if following is None:
            break
        forward.append(following)
        at = following

    assert all(earlier < later for earlier, later in pairwise([moment, *forward]))
    for earlier, later in pairwise(forward):
        gap = (later - earlier).total_seconds()
        between = earlier + timedelta(seconds=data.draw(st.floats(0, gap - 1)))
        assert cron.latest(between) == earlier
        assert cron.next(between) == later
    if forward:
        assert cron.latest(forward[-1]) == forward[-1]
        before = cron.latest(moment)
        assert before is None or before <= moment
        assert before is None or cron.next(before) == forward[0]


@settings(max_examples=200, deadline=None)
@given(CRONS, st.sampled_from(ZONES), NEAR_A_CHANGE)
def test_every_slot_is_what_the_clocks_show_and_none_is_left_out(
    text: str, zone: str, moment: datetime
) -> None:
    """A slow and simple look: each minute of a day, by what the clocks of the zone show then."""
    cron = crons(text, zone)
    if cron is None:
        return
    place = ZoneInfo(zone)
    start = moment.replace(second=0)
    minutes = [start + timedelta(minutes=number) for number in range(26 * 60)]
    walls = set(_walls(cron, start))
    shown = {
        minute
        for minute in minutes
        if (wall := _wall(minute, place)) in walls
        and minute in moments(wall, place, fixed=cron._fixed)
    }
    found, at = set(), start - timedelta(seconds=1)
    while (following := cron.next(at)) is not None and following <= minutes[-1]:
        found.add(following)
        at = following

    assert shown <= found
    assert all(cron._fixed and _after_a_gap(slot, place) for slot in found - shown)


def _walls(cron: Cron, start: datetime) -> list[datetime]:
    """What the expression names in the days around a day."""
    naive = start.replace(tzinfo=None)
    walls = cron._walls(naive - timedelta(days=2))
    return list(takewhile(lambda wall: wall < naive + timedelta(days=4), walls))


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _after_a_gap(slot: datetime, zone: ZoneInfo) -> bool:
    before = (slot - timedelta(seconds=1)).astimezone(zone).utcoffset()
    after = slot.astimezone(zone).utcoffset()
    return before is not None and after is not None and before < after
