"""Turns at a model: at once, after a short wait, or at a time of its own later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ModelBusyError
from streamagents.llm.limits.rate import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.llm.limits.policy import ModelRate
    from streamagents.ports import Clock

HOLD_S = 5.0
"""A wait of up to so many seconds is waited where it is; longer ones are parked."""
LONGEST_S = 3600.0
EVERY_MODEL = "*"


class RateQueue:
    """Turns at the models, for one worker.

    Args:
        rates: of the whole group, by model.
        share: this worker's part of the group: 0 to 1.
        clock: the time.
    """

    def __init__(
        self, rates: Mapping[str, ModelRate], share: Callable[[], float], clock: Clock
    ) -> None:
        self._rates, self._share, self._clock = rates, share, clock
        self._lines: dict[str, _Line] = {}

    async def turn(self, model: str, tokens: int) -> None:
        """Wait for a turn. Cancelled, it takes none.

        Raises:
            ModelBusyError: the turn is more than five seconds away; it says when to come back.
        """
        line = self._line(model)
        if line is None:
            return
        now = self._clock.monotonic()
        line.share(self._share(), now)
        wait_s = line.wait_s(tokens, now)
        if wait_s > HOLD_S:
            raise ModelBusyError(
                line.later_s(wait_s, tokens, now),
                f"{model} takes no more in this minute",
                code="rate_limited",
            )
        line.draw(1, tokens)
        if wait_s > 0:
            try:
                await self._clock.sleep(wait_s)
            except BaseException:  # cancelled: the turn is another's, and the end goes on
                line.draw(-1, -tokens)
                raise

    def correct(self, model: str, tokens: int, *, requests: int = 0) -> None:
        """A call took so many tokens and requests more than was thought; fewer, if negative."""
        line = self._line(model)
        if line is not None:
            line.draw(requests, tokens)

    def _line(self, model: str) -> _Line | None:
        rate = self._rates.get(model) or self._rates.get(EVERY_MODEL)
        if rate is None:
            return None
        line = self._lines.get(model)
        if line is None:
            line = self._lines[model] = _Line(rate)
        return line


class _Line:
    """The line in front of one model."""

    def __init__(self, rate: ModelRate) -> None:
        self._requests = _bucket(rate.requests_per_minute, full=False)
        self._tokens = _bucket(rate.tokens_per_minute, full=True)
        self._end = 0.0

    def share(self, share: float, now: float) -> None:
        for bucket in (self._requests, self._tokens):
            if bucket is not None:
                bucket.share(share, now)

    def wait_s(self, tokens: int, now: float) -> float:
        return max(
            self._requests.wait_s(1, now) if self._requests else 0.0,
            self._tokens.wait_s(tokens, now) if self._tokens else 0.0,
        )

    def draw(self, requests: int, tokens: int) -> None:
        if self._requests is not None:
            self._requests.draw(requests)
        if self._tokens is not None:
            self._tokens.draw(tokens)

    def later_s(self, wait_s: float, tokens: int, now: float) -> float:
        """When to come back: each of those that are sent away gets a time of its own.

        With one time for all they would come back in one crowd, and be sent away again.
        """
        spaces = (
            self._requests.seconds_for(1) if self._requests else 0.0,
            self._tokens.seconds_for(tokens) if self._tokens else 0.0,
        )
        self._end = min(max(self._end, now + wait_s) + max(spaces), now + LONGEST_S)
        return self._end - now


def _bucket(per_minute: float | None, *, full: bool) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute, full=full)
