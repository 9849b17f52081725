"""What a fault explains: which runs could not be made durable, which processes were not alive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTLY_S = 3.0
"""A run that ended longer than this before its process was hit has to be durable."""
AWAKE_S = 3.0
"""A thawed process may begin runs for so long before it hears that it lost its partitions."""
DRAIN_S = 15.0
"""Its runs may go on for so long: it lets them end before it gives its partitions back."""
_NOTICED_S = 0.5
"""The supervisor's clock against the journal's."""
_DEADLY = frozenset({"kill", "wipe", "poison", "died"})


class FaultLog:
    """Asks the faults of a round."""

    def __init__(self, faults: Iterable[dict[str, Any]]) -> None:
        self._faults = list(faults)

    def gap(self, pid: int, t: float) -> tuple[str, float] | None:
        """The fault that explains why what ended then was not durable, and how long after it came.

        0 for what ended in a process that was standing still, or without a broker.
        """
        found: list[tuple[float, str]] = []
        for fault in self._faults:
            kind, until = fault["kind"], fault["until"] or math.inf
            of_broker = kind.startswith("broker")
            if not of_broker and (fault["pid"] != pid or kind not in _DEADLY | {"stop"}):
                continue
            ahead = fault["at"] - t
            if 0 <= ahead <= SHORTLY_S:
                found.append((ahead, kind))
            elif ahead < 0 and (
                t <= until + DRAIN_S if kind not in _DEADLY else -ahead <= _NOTICED_S
            ):
                found.append((0.0, kind))
        return (min(found)[1], min(found)[0]) if found else None

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

    def brokerless(self, t: float) -> bool:
        """Whether the broker was away, or has just come back: nobody knows who owns what."""
        return any(
            fault["kind"].startswith("broker")
            and fault["at"] <= t <= (fault["until"] or math.inf) + DRAIN_S
            for fault in self._faults
        )
