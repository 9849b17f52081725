"""Putting an event off: `RetryLater` is no failure, and has an end."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents import Route
from streamagents.errors import RetryLater
from streamagents.pipeline.outcome import DeadLetter, Park, Retry
from streamagents.pipeline.retry import CAP_S, after_failure
from support.records import Scripted


def after(
    seconds: float,
    *,
    waited_s: float = 0.0,
    max_wait_s: float = 86_400,
    attempts: int = 0,
    most: int = 1,
) -> Retry | Park | DeadLetter:
    route = Route(Scripted(), attempts=most, max_wait_s=max_wait_s)
    return after_failure(
        RetryLater(seconds, "the peer is busy"), attempts, route, _never, waited_s=waited_s
    )


def _never(low: float, high: float) -> float:
    raise AssertionError("what an agent asks for is not drawn")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, Retry(0)),
        (0.001, Retry(0.001)),
        (29.9, Retry(29.9)),
        (CAP_S, Retry(30)),
        (30.001, Park(30.001)),
        (90, Park(90)),
        (86_400, Park(86_400)),
        (1e9, Park(86_400)),
        (math.inf, Park(86_400)),
    ],
)
def test_short_waits_are_held_in_the_lane_and_longer_ones_are_parked(
    seconds: float, expected: Retry | Park
) -> None:
    assert after(seconds) == expected


@pytest.mark.parametrize(("attempts", "most"), [(0, 1), (1, 1), (5, 3), (999, 1)])
def test_however_often_it_failed_before_it_is_put_off(attempts: int, most: int) -> None:
    assert after(10, attempts=attempts, most=most) == Retry(10)


@pytest.mark.parametrize(
    ("waited_s", "expected"),
    [
        (0, Park(90)),
        (910, Park(90)),
        (950, Park(50)),
        (970, Retry(30)),
        (999.5, Retry(0.5)),
        (-5000, Park(90)),
    ],
)
def test_a_wait_beyond_what_is_allowed_ends_with_a_last_try(
    waited_s: float, expected: Retry | Park
) -> None:
    assert after(90, waited_s=waited_s, max_wait_s=1000) == expected


@pytest.mark.parametrize("waited_s", [1000, 1000.1, 1e9])
def test_an_event_that_waited_too_long_is_a_letter_that_says_why(waited_s: float) -> None:
    decision = after(1, waited_s=waited_s, max_wait_s=1000)

    assert isinstance(decision, DeadLetter)
    assert decision.code == "waited_too_long"
    assert f"{waited_s:.0f} s, max_wait_s is 1000" in decision.reason
    assert decision.reason.endswith("RetryLater: the peer is busy")
    assert isinstance(decision.error, RetryLater)


def test_an_agent_that_may_not_wait_is_not_put_off() -> None:
    assert isinstance(after(1, max_wait_s=0), DeadLetter)


@given(st.floats(0, 1e12), st.floats(-1e6, 1e6), st.floats(0, 366 * 86_400))
def test_no_wait_is_negative_or_ends_behind_what_is_allowed(
    seconds: float, waited_s: float, max_wait_s: float
) -> None:
    decision = after(seconds, waited_s=waited_s, max_wait_s=max_wait_s)

    if isinstance(decision, DeadLetter):
        assert waited_s >= max_wait_s
    else:
        assert 0 <= decision.after_s <= max_wait_s - waited_s
        assert isinstance(decision, Park) == (decision.after_s > CAP_S)


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, "5", None, True, [1]])
def test_a_wait_that_is_none_is_refused_in_words(seconds: Any) -> None:
    with pytest.raises(ValueError, match="a number of seconds from 0 on"):
        RetryLater(seconds)


@pytest.mark.parametrize(
    ("error", "text"),
    [(RetryLater(5), "try again after 5 s"), (RetryLater(5, "rate limit"), "rate limit")],
)
def test_it_says_why(error: RetryLater, text: str) -> None:
    assert str(error) == text
