"""A figure: a median of rounds, how it came about, and the command that makes it again."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.run import Run

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    scenario: str
    name: str
    value: float
    unit: str
    rounds: tuple[float, ...] = ()
    """All that the value is the median of."""
    target: str = ""
    detail: str
    command: str = ""
    load: float = 0.0
    """Of the machine, when this was measured: it has other work than ours."""

    @property
    def text(self) -> str:
        """The value as a person reads it."""
        digits = 0 if abs(self.value) >= 1000 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".strip()


def listed(values: Sequence[float], digits: int = 0) -> str:
    """Every round, in order."""
    return "/".join(f"{value:,.{digits}f}" for value in values)


def footprint(runs: Sequence[Run]) -> str:
    """The median of how long the start took, and the most memory of a process."""
    start_s = statistics.median(run.start_s for run in runs)
    rss = statistics.median(run.rss_bytes for run in runs)
    return f"start to first event {start_s:.1f} s, RSS {rss / MIB:.0f} MiB"


def versions(runs: Sequence[Run]) -> str:
    """What was measured."""
    return ", ".join(f"{name} {version}" for name, version in runs[-1].facts["versions"].items())
