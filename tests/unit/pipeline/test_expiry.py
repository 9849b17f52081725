"""Expiry: how long the state remembers an event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents.context import MAX_DELAY_S
from streamagents.pipeline.expiry import UNLIMITED, Lifetime, expired, lifetime, retention_s
from streamagents.pipeline.mark import History, Mark, Status

DAY = 86_400.0
WEEK_MS, MONTH_MS = str(7 * 86_400_000), str(30 * 86_400_000)
LIFE = Lifetime(done_s=100, letter_s=1000)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"retention.ms": WEEK_MS, "cleanup.policy": "delete"}, 7 * DAY),
        ({"retention.ms": "1500"}, 1.5),
        ({"retention.ms": "0"}, 0),
        ({"retention.ms": "-1"}, UNLIMITED),
        ({}, UNLIMITED),
        ({"retention.ms": "?"}, UNLIMITED),
        ({"retention.ms": WEEK_MS, "cleanup.policy": "compact"}, UNLIMITED),
        ({"retention.ms": WEEK_MS, "cleanup.policy": "compact,delete"}, 7 * DAY),
    ],
)
def test_a_topic_keeps_its_records_as_the_broker_says(
    config: dict[str, str], seconds: float
) -> None:
    assert retention_s(config) == seconds


@pytest.mark.parametrize(
    ("ttl_s", "topic_ms", "letters_ms", "expected"),
    [
        (7 * DAY, WEEK_MS, MONTH_MS, Lifetime(7 * DAY, 30 * DAY)),
        (1, WEEK_MS, MONTH_MS, Lifetime(7 * DAY, 30 * DAY)),
        (90 * DAY, WEEK_MS, MONTH_MS, Lifetime(90 * DAY, 90 * DAY)),
        (1, "-1", MONTH_MS, Lifetime(UNLIMITED, UNLIMITED)),
        (1, WEEK_MS, "-1", Lifetime(7 * DAY, UNLIMITED)),
        (1, "2000", "1000", Lifetime(2, 2)),
    ],
)
def test_a_mark_lives_as_long_as_the_setting_and_what_it_stands_for(
    ttl_s: float, topic_ms: str, letters_ms: str, expected: Lifetime
) -> None:
    found = lifetime(ttl_s, {"retention.ms": topic_ms}, {"retention.ms": letters_ms})

    assert found == expected


@given(st.floats(1, 1e9), st.integers(-1, 2**40), st.integers(-1, 2**40))
def test_no_mark_goes_before_its_record_or_its_letter(ttl_s: float, topic: int, dlq: int) -> None:
    configs = {"retention.ms": str(topic)}, {"retention.ms": str(dlq)}
    life = lifetime(ttl_s, *configs)

    assert life.done_s >= max(ttl_s, retention_s(configs[0]))
    assert life.letter_s >= max(life.done_s, retention_s(configs[1]))


@pytest.mark.parametrize(
    ("status", "life_s"),
    [
        (Status.DONE, 100),
        (Status.DEAD_LETTERED, 1000),
        (Status.RUNNING, 1000),
        (Status.RELEASED, 1000),
        (Status.WAITING, 1000),
    ],
)
def test_a_mark_expires_behind_its_time_and_not_at_it(status: Status, life_s: float) -> None:
    mark = Mark(status=status, at=5000)

    assert not expired(mark, LIFE, 5000)
    assert not expired(mark, LIFE, 5000 + life_s)
    assert expired(mark, LIFE, 5000 + life_s + 0.001)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.RELEASED, Status.WAITING])
def test_what_waits_in_the_state_lives_as_long_as_it_may_wait(status: Status) -> None:
    mark = Mark(status=status, at=0, history=History(parked=True))

    assert not expired(mark, LIFE, LIFE.letter_s + MAX_DELAY_S)
    assert expired(mark, LIFE, LIFE.letter_s + MAX_DELAY_S + 1)


@pytest.mark.parametrize("status", list(Status))
def test_without_an_end_of_retention_nothing_expires(status: Status) -> None:
    assert not expired(Mark(status=status, at=0), Lifetime(UNLIMITED, UNLIMITED), 1e12)


def test_a_mark_of_the_future_does_not_expire() -> None:
    assert not expired(Mark(status=Status.DONE, at=2**32 - 1), LIFE, 1.0)
