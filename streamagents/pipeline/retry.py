"""Retry: what follows a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import EventError, ModelError, Reject, RetryLater, describe
from streamagents.pipeline.outcome import DeadLetter, Park, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.agents import Route

FACTOR = 4.0
CAP_S = 30.0
"""Waits up to this are held in the lane of the key, longer ones are parked."""


def after_failure(
    error: BaseException,
    attempts: int,
    route: Route,
    draw: Callable[[float, float], float],
    *,
    waited_s: float = 0.0,
) -> Retry | Park | DeadLetter:
    """Decide what follows an attempt that ended with `error`.

    Args:
        error: what the agent raised.
        attempts: failures so far, this one included; a postponement is none.
        route: the agent's policy.
        draw: `random.uniform`, or what a test puts in its place.
        waited_s: since the event ran first.
    """
    if isinstance(error, Reject):
        return DeadLetter(error.code, describe(error.reason), error)
    if isinstance(error, RetryLater):
        return _later(error, route, waited_s)
    if attempts >= route.attempts:
        code = error.code if isinstance(error, (EventError, ModelError)) else "failed"
        reason = f"{attempts} attempts failed, the last with {describe(error)}"
        return DeadLetter(code, reason, error)
    return Retry(draw(0.0, backoff_s(attempts, route.backoff_s)))


def _later(error: RetryLater, route: Route, waited_s: float) -> Retry | Park | DeadLetter:
    """A wait beyond what is allowed ends with a last try, not before."""
    left_s = route.max_wait_s - waited_s
    if left_s <= 0:
        reason = (
            f"it was put off for {waited_s:.0f} s, max_wait_s is {route.max_wait_s:g}; the last "
            f"time: {describe(error)}"
        )
        return DeadLetter("waited_too_long", reason, error)
    after_s = min(error.after_s, left_s)
    return Retry(after_s) if after_s <= CAP_S else Park(after_s)


def backoff_s(attempts: int, base_s: float) -> float:
    """The longest wait after so many failures: base, 4 x base, 16 x base, at most 30 s.

    Full jitter draws between 0 and this (https://aws.amazon.com/blogs/architecture/
    exponential-backoff-and-jitter/): agents that failed together do not come back together.
    """
    return min(CAP_S, base_s * FACTOR ** min(attempts - 1, 10))
