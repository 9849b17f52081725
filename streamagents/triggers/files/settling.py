"""Settling: a file is ready when it has looked the same for long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.triggers.files.scan import Look

_FIRST_S, _LONGEST_S = 1.0, 60.0


class Settling:
    """Remembers since when each file looks as it does. Seconds are those of a monotonic clock."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._since: dict[str, tuple[Look, float]] = {}
        self._held: dict[str, tuple[int, float]] = {}

    def ready(self, found: Mapping[str, Look], now: float) -> list[str]:
        """Those that are settled, the oldest first.

        Args:
            found: all files that are still to be handled; the others are forgotten.
            now: the moment.
        """
        for path, look in found.items():
            known = self._since.get(path)
            if known is None or known[0] != look:
                self._since[path] = (look, now)
                self._held.pop(path, None)
        self._since = {path: known for path, known in self._since.items() if path in found}
        self._held = {path: held for path, held in self._held.items() if path in found}
        due = [path for path in found if self._due(path) <= now]
        return sorted(due, key=lambda path: (found[path].mtime_ns, path))

    def next_due_s(self, now: float) -> float | None:
        """How long until the next one can be ready; None if nothing is to come."""
        return min((max(0.0, self._due(path) - now) for path in self._since), default=None)

    def again(self, path: str, now: float) -> None:
        """It changed while it was looked at, or is still open: it has to settle once more."""
        known = self._since.get(path)
        if known is not None:
            self._since[path] = (known[0], now)

    def hold(self, path: str, now: float) -> int:
        """It could not be read: later, each time after a longer wait. How often that was."""
        tries = self._held.get(path, (0, 0.0))[0] + 1
        self._held[path] = (tries, now + min(_LONGEST_S, _FIRST_S * 2 ** min(tries - 1, 10)))
        return tries

    def _due(self, path: str) -> float:
        _, since = self._since[path]
        return max(since + self._settle_s, self._held.get(path, (0, 0.0))[1])
