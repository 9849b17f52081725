"""Telling: what happens to an event on its way to an outcome, for the log and for observers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import RetryLater, describe
from streamagents.pipeline.frames import place
from streamagents.runtime.reports import report_of

if TYPE_CHECKING:
    from streamagents.ports import Observer
    from streamagents.runtime.case import Case

log = structlog.stdlib.get_logger("streamagents.runtime")


class Telling:
    """Tells of what is no outcome yet.

    Args:
        observer: is told.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def step_rerun(self, case: Case, path: str, reason: str) -> None:
        """A stored step does not count."""
        report = report_of("step_rerun", case.incoming, code=reason, detail=path)
        log.warning(
            "step_rerun", agent=report.agent, event_id=report.event_id, step=path, reason=reason
        )
        self._observer.observe(report)

    def tell(self, outcome: str, case: Case) -> None:
        """Report what happened on the way."""
        attempt = case.attempts + (outcome == "started")
        self._observer.observe(report_of(outcome, case.incoming, attempt))

    def step_taken(self, case: Case, outcome: str) -> None:
        """Report what became of a step: ran, stored, failed."""
        self._observer.observe(report_of("step", case.incoming, case.attempts + 1, code=outcome))

    def tell_put_off(
        self, outcome: str, case: Case, error: BaseException, after_s: float, seconds: float
    ) -> None:
        """Report an attempt of so many seconds that is followed by another, so much later."""
        code, detail = type(error).__name__, describe(error)
        report = report_of(outcome, case.incoming, case.attempts, seconds, code=code, detail=detail)
        wished = isinstance(error, RetryLater)
        log.log(
            logging.INFO if wished else logging.WARNING,
            outcome,
            event_id=report.event_id,
            topic=report.topic,
            agent=report.agent,
            attempts=report.attempt,
            reason=detail,
            after_s=round(after_s, 1),
            **place_of(error),
        )
        self._observer.observe(report)


def place_of(error: BaseException | None) -> dict[str, str]:
    """Where in the agent it happened, as far as that can be told."""
    at = "" if error is None else place(error)
    return {"at": at} if at else {}
