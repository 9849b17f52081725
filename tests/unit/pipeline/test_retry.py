"""What follows a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents import Route
from streamagents.errors import (
    EventError,
    EventTooLargeError,
    InvalidEventError,
    Reject,
    StateInvalidError,
    describe,
)
from streamagents.pipeline.outcome import DeadLetter, Park, Retry
from streamagents.pipeline.retry import CAP_S, after_failure, backoff_s
from support.records import Scripted


def longest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def route(attempts: int = 3, backoff: float = 1.0) -> Route:
    return Route(Scripted(), attempts=attempts, backoff_s=backoff)


def after(
    error: BaseException, attempts: int, policy: Route | None = None
) -> Retry | Park | DeadLetter:
    return after_failure(error, attempts, policy or route(), longest)


def test_the_longest_waits_are_one_second_four_sixteen_and_then_thirty() -> None:
    assert [backoff_s(n, 1.0) for n in range(1, 7)] == [1, 4, 16, 30, 30, 30]


@given(st.integers(1, 100_000), st.floats(0, 30))
def test_no_wait_is_longer_than_the_cap_or_negative(attempts: int, base: float) -> None:
    assert 0 <= backoff_s(attempts, base) <= CAP_S


@given(st.integers(1, 50), st.floats(0, 30))
def test_a_wait_never_gets_shorter(attempts: int, base: float) -> None:
    assert backoff_s(attempts, base) <= backoff_s(attempts + 1, base)


@pytest.mark.parametrize("part", [0.0, 0.25, 1.0])
def test_the_wait_is_drawn_between_nothing_and_the_longest(part: float) -> None:
    decision = after_failure(ValueError(), 2, route(), lambda low, high: low + part * (high - low))

    assert decision == Retry(4.0 * part)


def test_a_failure_is_tried_again_until_the_attempts_are_used_up() -> None:
    decisions = [after(ValueError("no"), n) for n in (1, 2, 3)]

    assert [type(decision) for decision in decisions] == [Retry, Retry, DeadLetter]


def test_one_attempt_means_no_second() -> None:
    assert isinstance(after(ValueError(), 1, route(attempts=1)), DeadLetter)


def test_an_event_with_more_failures_than_its_route_now_allows_is_a_letter() -> None:
    assert isinstance(after(ValueError(), 7, route(attempts=3)), DeadLetter)


def test_a_rejected_event_is_a_letter_at_once() -> None:
    error = Reject("no such customer")

    assert after(error, 1, route(attempts=1000)) == DeadLetter(
        "rejected", "no such customer", error
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("x"), "failed"),
        (TimeoutError(), "failed"),
        (SystemExit(1), "failed"),
        (KeyboardInterrupt(), "failed"),
        (EventError("x"), "invalid"),
        (InvalidEventError("x"), "invalid"),
        (EventTooLargeError("x"), "too_large"),
        (StateInvalidError("x"), "state_invalid"),
    ],
)
def test_the_letters_code_is_the_errors_own_if_it_has_one(error: BaseException, code: str) -> None:
    decision = after(error, 3)

    assert isinstance(decision, DeadLetter)
    assert (decision.code, decision.error) == (code, error)


def test_an_error_of_ours_is_tried_again_like_any_other() -> None:
    assert after(EventTooLargeError("x"), 1) == Retry(1.0)


def test_the_reason_names_the_last_error_and_how_many_there_were() -> None:
    decision = after(ValueError("bad\n  luck"), 3)

    assert isinstance(decision, DeadLetter)
    assert decision.reason == "3 attempts failed, the last with ValueError: bad luck"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a\nb\tc"), "ValueError: a b c"),
        (ValueError(), "ValueError"),
        (ValueError("  "), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_an_error_is_described_in_one_line(error: BaseException, text: str) -> None:
    assert describe(error) == text
