"""Endings: how many processes in this data folder ended without a word before this one.

A kill, a crash, a machine without power: the process cannot tell, the next one can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.stdlib.get_logger("streamagents.runtime")

_RUNS, _ENDED = "runs", "ended"


class Endings:
    """Counts them in a file of a worker's folder."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self.crashes = 0
        """So far, in this folder."""

    def begin(self, folder: Path) -> None:
        """This process runs from here on."""
        self._file = folder / "ending"
        try:
            count, _, word = self._file.read_text().partition(" ")
            self.crashes = int(count) + (word == _RUNS)
        except (OSError, ValueError):
            self.crashes = 0  # the first one, or a kill has cut the file: nobody knows
        self._write(_RUNS)

    def end(self) -> None:
        """It ends as it should."""
        self._write(_ENDED)

    def _write(self, word: str) -> None:
        if self._file is None:
            return
        new = self._file.with_suffix(".new")
        try:
            new.write_text(f"{self.crashes} {word}")
            new.replace(self._file)
        except OSError as exc:  # a full disk: only the count of crashes suffers
            log.warning("ending_not_written", error=exc.strerror)
