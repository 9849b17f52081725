"""What a fault explains: which runs could not be made durable, which processes were not alive."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHORTLY_S = 3.0
"""What ended longer than this before its process was hit has to be durable, ..."""
BEHIND_S = 20.0
"""... or this, if nothing was durable of what the process did later with that partition's events:
on a machine that is too busy the brokers may be behind.
"""
_IN_ORDER_S = 1.0
"""What is written to one partition is durable in its order, but for the time of a thread's end."""
AWAKE_S = 3.0
"""A thawed process may begin runs for so long before it hears that it lost its partitions."""
DRAIN_S = 15.0
"""Its runs may go on for so long: it lets them end before it gives its partitions back."""
SETTLED_S = 30.0
"""After a fault the group may take so long to be at work again: a session, a drain, a recovery."""
_NOTICED_S = 0.5
"""The supervisor's clock against the journal's."""
_DEADLY = frozenset({"kill", "wipe", "poison", "died"})


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A fault that explains why something that had ended was not durable."""

    ahead_s: float
    """How long after that end the fault came; 0 if it was there already."""
    fault: int
    """Which of the round's faults."""
    kind: str


Place = tuple[int, int]
"""A state partition: how many there are, and which one."""


class FaultLog:
    """Asks the faults of a round.

    Args:
        faults: what happened.
        durable: by process and state partition, the ends of what is known to be durable, in order.
    """

    def __init__(
        self,
        faults: Iterable[dict[str, Any]],
        durable: Mapping[tuple[int, Place], Sequence[float]] | None = None,
    ) -> None:
        self._faults, self._durable = list(faults), durable or {}
        self._restless = _merged(
            (fault["at"] - 1.0, (fault["until"] or fault["at"]) + SETTLED_S)
            for fault in self._faults
        )

    def gap(self, pid: int, t: float, place: Place | None = None) -> Gap | None:
        """The fault that explains why what ended then in that process was not durable."""
        found: list[Gap] = []
        for number, fault in enumerate(self._faults):
            kind, until = fault["kind"], fault["until"] or math.inf
            of_broker = kind.startswith("broker")
            if not of_broker and (fault["pid"] != pid or kind not in _DEADLY | {"stop"}):
                continue
            ahead = fault["at"] - t
            if 0 <= ahead <= SHORTLY_S or self._behind(pid, t, ahead, place):
                found.append(Gap(ahead, number, kind))
            elif ahead < 0 and (
                t <= until + DRAIN_S if kind not in _DEADLY else -ahead <= _NOTICED_S
            ):
                found.append(Gap(0.0, number, kind))
        return min(found) if found else None

    def _behind(self, pid: int, t: float, ahead: float, place: Place | None) -> bool:
        """Whether nothing that ended after that, and before the fault, was durable either."""
        if place is None or not 0 <= ahead <= BEHIND_S:
            return False
        ends = self._durable.get((pid, place), ())
        later = bisect_right(ends, t + _IN_ORDER_S)
        return later == len(ends) or ends[later] > t + ahead

    def cut(self, pid: int, start: float) -> str:
        """The fault that explains why what began then in that process never said how it ended.

        Empty for none. What is asked to stop may cancel what does not end within the grace.
        """
        for fault in self._faults:
            of_process = fault["pid"] == pid and fault["at"] + _NOTICED_S >= start
            if of_process and fault["kind"] in _DEADLY:
                return str(fault["kind"])
        return "release" if self.calm(start, start + DRAIN_S) < DRAIN_S else ""

    def zombie(self, pid: int, t: float, awake_s: float = AWAKE_S) -> bool:
        """Whether the process stood still then or has just awoken: it cannot know what it lost."""
        return any(
            fault["kind"] == "stop"
            and fault["pid"] == pid
            and fault["at"] - _NOTICED_S <= t <= (fault["until"] or math.inf) + awake_s
            for fault in self._faults
        )

    def since_thaw(self, pid: int, t: float) -> float:
        """Seconds since the process awoke; 0 if it had not been frozen, or still was."""
        return max(
            (
                t - fault["until"]
                for fault in self._faults
                if fault["kind"] == "stop"
                and fault["pid"] == pid
                and 0 <= t - (fault["until"] or math.inf) <= AWAKE_S
            ),
            default=0.0,
        )

    def dead(self, pid: int, t: float) -> bool:
        """Whether the process was dead by then."""
        return any(
            fault["pid"] == pid and fault["kind"] in _DEADLY and fault["at"] - _NOTICED_S <= t
            for fault in self._faults
        )

    def deaths(self, start: float, end: float) -> int:
        """How many processes died in a span."""
        return sum(
            fault["kind"] in _DEADLY and start <= fault["at"] <= end for fault in self._faults
        )

    def brokerless(self, t: float) -> bool:
        """Whether the broker was away, or has just come back: nobody knows who owns what."""
        return any(
            fault["kind"].startswith("broker")
            and fault["at"] <= t <= (fault["until"] or math.inf) + DRAIN_S
            for fault in self._faults
        )

    def calm(self, start: float, end: float) -> float:
        """Seconds of a span in which nothing was amiss with anybody."""
        left = max(0.0, end - start)
        first = max(0, bisect_left(self._restless, (start, start)) - 1)
        for begin, over in self._restless[first:]:
            if begin >= end:
                break
            left -= max(0.0, min(over, end) - max(begin, start))
        return max(0.0, left)


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
