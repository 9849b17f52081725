"""Observers: everybody who wants to be told what becomes of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from streamagents.ports import Observer, Polls, Report


class Observers:
    """Tells each report to every observer that was added."""

    def __init__(self) -> None:
        self._tell: tuple[Callable[[Report], None], ...] = ()
        self.observe: Callable[[Report], None] = self._tell_all
        """Tells everybody."""

    def add(self, observer: Observer) -> None:
        """Tell this one, too."""
        self._tell += (observer.observe,)
        # The metrics, as a rule, and nobody else: a call less for each event.
        self.observe = self._tell[0] if len(self._tell) == 1 else self._tell_all

    def _tell_all(self, report: Report) -> None:
        for tell in self._tell:
            tell(report)


class PollObservers:
    """The port `Polls`: tells what schedules and monitors did to everybody that was added."""

    def __init__(self) -> None:
        self._tell: tuple[Polls, ...] = ()

    def add(self, polls: Polls) -> None:
        """Tell this one, too."""
        self._tell += (polls,)

    def polled(
        self, monitor: str, outcome: str, at: datetime, *, failures: int = 0, reason: str = ""
    ) -> None:
        """Tell everybody that a monitor has looked."""
        for polls in self._tell:
            polls.polled(monitor, outcome, at, failures=failures, reason=reason)

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """Tell everybody that a schedule was woken."""
        for polls in self._tell:
            polls.fired(schedule, outcome, at)
