"""Observers: everybody who wants to be told what becomes of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamagents.ports import Observer, Report


class Observers:
    """Tells each report to every observer that was added."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Tell this one, too."""
        self._observers.append(observer)

    def observe(self, report: Report) -> None:
        """Tell everybody."""
        for observer in self._observers:
            observer.observe(report)
