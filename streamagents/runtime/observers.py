"""Observers: everybody who wants to be told what becomes of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.ports import Observer, Report


class Observers:
    """Tells each report to every observer that was added."""

    def __init__(self) -> None:
        self._tell: tuple[Callable[[Report], None], ...] = ()

    def add(self, observer: Observer) -> None:
        """Tell this one, too."""
        self._tell += (observer.observe,)

    def observe(self, report: Report) -> None:
        """Tell everybody."""
        for tell in self._tell:
            tell(report)
