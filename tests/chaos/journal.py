"""The journal: what agents say about their runs. One write a line, so that a kill tears none."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamagents import Context

_numbers = itertools.count()


class Run:
    """One run of an agent, told to the journal as it happens."""

    def __init__(self, e: int, agent: str, ctx: Context) -> None:
        self.name = f"{os.getpid()}-{next(_numbers)}"
        self._said = {"e": e, "run": self.name, "pid": os.getpid(), "agent": agent}
        self.note("start", topic=ctx.event.topic, key=ctx.event.key, attempt=ctx.event.attempt)

    def note(self, what: str, **more: Any) -> None:
        """Append one line."""
        row = {"what": what, "t": time.monotonic(), "wall": time.time(), **self._said, **more}
        os.write(_file(), json.dumps(row).encode() + b"\n")


def _file() -> int:
    global _descriptor  # noqa: PLW0603 - opened when the first agent runs, not when imported
    if _descriptor is None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        _descriptor = os.open(os.environ["CHAOS_JOURNAL"], flags, 0o644)
    return _descriptor


_descriptor: int | None = None
