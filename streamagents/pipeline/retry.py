"""Retry: what follows a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import EventError, Reject, describe
from streamagents.pipeline.outcome import DeadLetter, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.agents import Route

FACTOR = 4.0
CAP_S = 30.0
"""Waits up to this are held in the lane of the key."""


def after_failure(
    error: BaseException, attempts: int, route: Route, draw: Callable[[float, float], float]
) -> Retry | DeadLetter:
    """Decide what follows the given number of failures, the last of them `error`.

    Args:
        error: what the agent raised.
        attempts: failures so far, this one included.
        route: the agent's policy.
        draw: `random.uniform`, or what a test puts in its place.
    """
    if isinstance(error, Reject):
        return DeadLetter("rejected", describe(error.reason), error)
    if attempts >= route.attempts:
        code = error.code if isinstance(error, EventError) else "failed"
        reason = f"{attempts} attempts failed, the last with {describe(error)}"
        return DeadLetter(code, reason, error)
    return Retry(draw(0.0, backoff_s(attempts, route.backoff_s)))


def backoff_s(attempts: int, base_s: float) -> float:
    """The longest wait after so many failures: base, 4 x base, 16 x base, at most 30 s.

    Full jitter draws between 0 and this (https://aws.amazon.com/blogs/architecture/
    exponential-backoff-and-jitter/): agents that failed together do not come back together.
    """
    return min(CAP_S, base_s * FACTOR ** min(attempts - 1, 10))
