"""Rates: a bucket for what one worker may ask of a model, its share of the group's limit."""

from __future__ import annotations

BURST = 0.1
"""The part of a minute's limit that may be used at once. The rest comes in evenly, so that no
minute, wherever it begins, has more than the limit."""
_MINUTE_S = 60.0
_ROUNDING = 1e-9


class Bucket:
    """Fills evenly and is drawn from; it may be drawn below nothing, and then fills up first.

    Args:
        per_minute: the limit of the whole group.
        least: what must fit in at once, however small the limit: one request.
        full: whether it begins so; else with the least. Who comes and goes brings a burst each
            time.
    """

    def __init__(self, per_minute: float, *, least: float = 1.0, full: bool = True) -> None:
        self._limit, self._least, self._full = per_minute, least, full
        self._share: float | None = None
        self._size = self._per_s = self._level = 0.0
        self._at = 0.0

    def share(self, share: float, now: float) -> None:
        """This worker has another share of the limit; what is gained begins empty."""
        if share == self._share:
            return
        self._fill(now)
        limit = self._limit * share
        self._size = max(self._least, BURST * limit)
        # Below a few a minute one at once is more than the burst: over by one a worker, at most.
        even = limit - self._size if limit > 2 * self._size else limit
        self._per_s = even / _MINUTE_S
        if self._share is None and share:
            self._level = self._size if self._full else self._least
        self._level = min(self._level, self._size)
        self._share = share

    def wait_s(self, cost: float, now: float) -> float:
        """Seconds until so much may be drawn; more than the bucket holds waits for a full one."""
        self._fill(now)
        missing = min(cost, self._size) - self._level
        if missing <= _ROUNDING:
            return 0.0
        return missing / self._per_s if self._per_s else float("inf")

    def draw(self, cost: float) -> None:
        """Take it; what was not there yet is owed. A negative cost gives back."""
        self._level = min(self._size, self._level - cost)

    def seconds_for(self, cost: float) -> float:
        """How long it takes until so much has come in."""
        return cost / self._per_s if self._per_s else 0.0

    def _fill(self, now: float) -> None:
        self._level = min(self._size, self._level + max(0.0, now - self._at) * self._per_s)
        self._at = now
