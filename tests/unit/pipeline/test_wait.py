"""Waiting: when an event that is not to run yet may run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents.context import MAX_DELAY_S
from streamagents.errors import InvalidEventError
from streamagents.events.wire import rfc3339
from streamagents.pipeline.wait import NOT_BEFORE, due, milliseconds

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
IN_AN_HOUR = datetime(2026, 1, 1, 13, tzinfo=UTC)


def asked(*values: bytes) -> datetime | None:
    return due(tuple((NOT_BEFORE, value) for value in values), NOW)


def test_without_the_header_an_event_may_run_now() -> None:
    assert due((("streamagents-other", b"2030-01-01T00:00:00Z"),), NOW) is None
    assert due((), NOW) is None


@pytest.mark.parametrize(
    "value",
    [
        b"2026-01-01T13:00:00Z",
        b"2026-01-01T13:00:00+00:00",
        b"2026-01-01T15:00:00+02:00",
        b"2026-01-01T08:00:00-05:00",
        b"2026-01-01T13:00:00",
        b"2026-01-01 13:00:00Z",
        b"2026-01-01T13:00:00.000000Z",
    ],
)
def test_a_time_to_come_is_waited_for_in_utc(value: bytes) -> None:
    time = asked(value)

    assert time == IN_AN_HOUR
    assert time.tzinfo is UTC


@pytest.mark.parametrize("value", [b"2026-01-01T12:00:00Z", b"1999-01-01T00:00:00Z"])
def test_a_time_that_has_come_is_no_reason_to_wait(value: bytes) -> None:
    assert asked(value) is None


def test_a_moment_is_enough_to_wait_for() -> None:
    assert asked(b"2026-01-01T12:00:00.000001Z") is not None


def test_of_a_repeated_header_the_last_counts() -> None:
    assert asked(b"2027-01-01T00:00:00Z", b"2026-01-01T13:00:00Z") == IN_AN_HOUR


@pytest.mark.parametrize(
    "value", [b"", b"soon", b"\xff", b"13:00", b"2026-13-01T00:00:00Z", b"nan", b"x" * 100_000]
)
def test_what_is_no_time_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(InvalidEventError, match=f"{NOT_BEFORE} is no time.*RFC 3339") as caught:
        asked(value)

    assert caught.value.code == "invalid"
    assert len(str(caught.value)) < 200


def test_a_time_beyond_a_year_is_refused_in_words() -> None:
    with pytest.raises(InvalidEventError, match=r"names 2027-01-04.*at most 366 days"):
        asked(b"2027-01-04T00:00:00Z")


@pytest.mark.parametrize("early_s", [0, 1, 3599])
def test_an_event_delayed_by_the_most_that_is_allowed_is_taken_by_a_clock_that_is_behind(
    early_s: int,
) -> None:
    time = NOW + timedelta(seconds=MAX_DELAY_S + early_s)

    assert asked(rfc3339(time)) == time


@given(st.floats(1, MAX_DELAY_S), st.integers(-14, 14))
def test_what_emit_writes_is_what_is_read(delay_s: float, hours: int) -> None:
    local = (NOW + timedelta(seconds=delay_s)).astimezone(timezone(timedelta(hours=hours)))

    assert due(((NOT_BEFORE, rfc3339(local)),), NOW) == local


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 0, 0, 1, 234_567, tzinfo=UTC), 1235),
        (datetime(2026, 1, 1, tzinfo=UTC), 1_767_225_600_000),
        (datetime(1969, 1, 1, tzinfo=UTC), 0),
        (datetime(1, 1, 1, tzinfo=UTC), 0),
    ],
)
def test_a_time_is_stored_in_milliseconds_and_never_negative(time: datetime, expected: int) -> None:
    assert milliseconds(time) == expected
