"""The tally: one line of JSON a round, whatever came of it, and a sentence about all of them."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chaos.fleet import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path


class Tally:
    """All rounds of one command, appended to a file that outlives it."""

    def __init__(self, file: Path) -> None:
        self._file, self._revision = file, revision()
        self.words: Counter[str] = Counter()
        self._seconds = self._events = self._faults = 0
        self._bad: list[int] = []

    def add(self, seed: int, row: dict[str, Any], *, replay: str) -> None:
        """Take a round's verdict."""
        word = row["verdict"]
        self.words[word] += 1
        self._seconds += row.get("seconds", 0)
        self._events += row.get("events", 0)
        self._faults += len(row.get("faults", ()))
        if word != "GREEN":
            self._bad.append(seed)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"at": now, "revision": self._revision, "seed": seed, **row, "replay": replay}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def summary(self) -> str:
        """All rounds in a sentence."""
        words = ", ".join(f"{count} {word}" for word, count in sorted(self.words.items()))
        bad = f"; not green: {', '.join(map(str, self._bad))}" if self._bad else ""
        return (
            f"{words or 'no round'}: {self._events} events, {self._faults} faults, "
            f"{self._seconds} s, revision {self._revision}{bad}. Tally: {self._file}"
        )

    @property
    def green(self) -> bool:
        """Whether every round was green."""
        return set(self.words) == {"GREEN"}


def revision() -> str:
    """The checkout's commit; `+` if there is more in it than that."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    return f"{commit or 'unknown'}{'+' if _git('status', '--porcelain') else ''}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()
