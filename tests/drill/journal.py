"""The journal: what agents and the world outside say. One write a line: a kill tears none."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

JOURNAL = "DRILL_JOURNAL"
"""Names the file in the environment of a worker."""
_FILE = Path(os.environ.get(JOURNAL, os.devnull))
_FD = os.open(_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(what: str, **more: Any) -> None:
    """Append one line, with the time and the process."""
    row = {"what": what, **more, "t": time.monotonic(), "pid": os.getpid()}
    os.write(_FD, json.dumps(row).encode() + b"\n")


def told(file: Path) -> list[dict[str, Any]]:
    """All lines so far."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


class Reader:
    """Reads on where it was: a whole journal is long."""

    def __init__(self, file: Path) -> None:
        self._file, self._at = file, 0

    def more(self) -> list[dict[str, Any]]:
        """The lines that are new."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._at)
            lines = [line for line in file if line.endswith(b"\n")]
        self._at += sum(map(len, lines))
        return [json.loads(line) for line in lines]


def has_posted(effect: str) -> bool:
    """Whether the world outside has seen an effect."""
    return any(row["what"] == "posted" and row["id"] == effect for row in told(_FILE))
