"""The journal: what agents say about their runs. One write a line, so that a kill tears none."""

from __future__ import annotations

import itertools
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamagents import Context

JOURNAL = "CHAOS_JOURNAL"
"""Names the journal's file in the environment of a worker."""
EFFECTS = "effects.jsonl"
"""Beside it: the world outside, to which the test channels write."""
WAITS = "waits"
"""A folder beside it, with a file for each event that asked to be tried again later."""
_numbers = itertools.count()
_descriptors: dict[str, int] = {}


class Run:
    """One run of an agent, told to the journal as it happens."""

    def __init__(self, e: int, agent: str, ctx: Context) -> None:
        self.name = f"{os.getpid()}-{next(_numbers)}"
        self._said = {"e": e, "run": self.name, "agent": agent}
        self.note("start", topic=ctx.event.topic, key=ctx.event.key, attempt=ctx.event.attempt)

    def note(self, what: str, **more: Any) -> None:
        """Append one line."""
        append(os.environ[JOURNAL], what=what, **self._said, **more)


def append(file: str, **row: Any) -> None:
    """Append one line to a file, with the time and the process."""
    if file not in _descriptors:  # opened when first written, not when imported
        _descriptors[file] = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    row = {**row, "t": time.monotonic(), "wall": time.time(), "pid": os.getpid()}
    os.write(_descriptors[file], json.dumps(row).encode() + b"\n")


def beside_journal(name: str) -> Path:
    """Where else something of the round is kept."""
    return Path(os.environ[JOURNAL]).parent / name


def wait_until(e: int, seconds: float) -> float:
    """When an event may go on: so long after this was asked for the first time, by any process."""
    file = beside_journal(WAITS) / str(e)
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        mine = file.with_name(f"{e}-{os.getpid()}")
        mine.write_text(repr(time.time() + seconds))
        with suppress(FileExistsError):
            os.link(mine, file)  # whole or not at all, and the first one stays
        mine.unlink()
    return float(file.read_text())
