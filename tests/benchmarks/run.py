"""What a measured process found, read back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The clocks of a process when it had handled so many events."""

    count: int
    clock: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What lies between two samples."""

    events: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU time for each event, all threads, in microseconds."""
        return 1e6 * self.cpu_s / self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one contestant."""

    name: str
    launched: float
    samples: tuple[Sample, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    rss_bytes: int
    folder: Path

    @classmethod
    def read(
        cls, result: Path, *, name: str, launched: float, rss_bytes: int, folder: Path
    ) -> Self:
        """From the file that the process wrote."""
        found = json.loads(result.read_text())
        return cls(
            name=name,
            launched=launched,
            samples=tuple(Sample(**sample) for sample in found["samples"]),
            facts=found["facts"],
            rss_bytes=rss_bytes,
            folder=folder,
        )

    @property
    def start_s(self) -> float:
        """From the start of the process to its first event."""
        return self.samples[0].clock - self.launched

    @property
    def whole(self) -> Window:
        """From the first start to the last event."""
        return self.window(0, self.samples[-1].count)

    def window(self, first: int, last: int) -> Window:
        """Between two counts that were asked for."""
        samples = {sample.count: sample for sample in self.samples}
        begin, end = samples[first], samples[last]
        return Window(
            events=last - first, seconds=end.clock - begin.clock, cpu_s=end.cpu - begin.cpu
        )
