"""Who is busy now: the journal, read while it grows."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from chaos.shapes import ENDS

if TYPE_CHECKING:
    from pathlib import Path

_OF_LATE_S = 0.7


class Busy:
    """Counts the runs that are open in each process."""

    def __init__(self, journal: Path) -> None:
        self._journal, self._read = journal, 0
        self._open: dict[int, set[str]] = defaultdict(set)
        self._began: dict[int, float] = {}

    def runs_of(self, pid: int) -> int:
        """How many agents run there now; 0 if none has begun of late, for then it drains."""
        self._catch_up()
        if time.monotonic() - self._began.get(pid, 0.0) > _OF_LATE_S:
            return 0
        return len(self._open[pid])

    def _catch_up(self) -> None:
        if not self._journal.exists():
            return
        with self._journal.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for row in map(json.loads, whole.splitlines()):
            runs = self._open[row["pid"]]
            if row["what"] == "start":
                runs.add(row["run"])
                self._began[row["pid"]] = row["t"]
            elif row["what"] in ENDS:
                runs.discard(row["run"])
