"""The clock inside a measured process. The standard library alone: every peer imports it.

`time.monotonic()` is one clock for all processes of a machine, so that instants of a worker can be
held against instants of the one who started it.
"""

from __future__ import annotations

import json
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = int(os.environ.get("BENCH_EVENTS", "0"))
MARKS = [int(mark) for mark in os.environ.get("BENCH_MARKS", "").split(",") if mark]
RESULT = Path(os.environ.get("BENCH_RESULT", os.devnull))


class Meter:
    """Notes the clock and the CPU time at the first event and at the counts that were asked for.

    Args:
        on_full: called at the last event, instead of writing the result.
        libraries: whose versions belong to the result.
    """

    def __init__(
        self, on_full: Callable[[], None] | None = None, *, libraries: tuple[str, ...] = ()
    ) -> None:
        self.facts: dict[str, Any] = {"versions": {name: version(name) for name in libraries}}
        self.began = False
        self._done = 0
        self._counts = sorted({*MARKS, EVENTS})
        self._next = self._counts.pop(0)
        self._samples: list[dict[str, float]] = []
        self._on_full = on_full or self.write

    def begin(self) -> None:
        """The first event's handler starts. Somebody may be waiting for that."""
        self.began = True
        self._sample()
        write_whole(RESULT.with_suffix(".began"), self._samples[0])

    def tick(self) -> None:
        """One more event is done."""
        self._done += 1
        if self._done == self._next:
            self._sample()
            if self._counts:
                self._next = self._counts.pop(0)
            else:
                self._on_full()

    def write(self) -> None:
        """Hand over what was found."""
        write_whole(RESULT, {"samples": self._samples, "facts": self.facts})

    def _sample(self) -> None:
        self._samples.append(
            {"count": self._done, "clock": time.monotonic(), "cpu": time.process_time()}
        )


def write_whole(file: Path, found: dict[str, Any]) -> None:
    """Write a whole file or none: somebody waits for it."""
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(json.dumps(found))
    draft.replace(file)
