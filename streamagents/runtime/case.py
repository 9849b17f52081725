"""A case: one event and what is known of its past. Decided from its mark and its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamagents.errors import describe
from streamagents.pipeline.crashes import Company, with_death
from streamagents.pipeline.identity import digest
from streamagents.pipeline.mark import History, Mark, Status

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Incoming
    from streamagents.runtime.intent import Intent

_ERROR_CHARACTERS = 500


@dataclass(slots=True, kw_only=True)
class Case:
    """One event on its way to an outcome."""

    incoming: Incoming
    subscription: Subscription
    history: History
    attempts: int
    """Failures so far."""
    replay: int
    careful: bool
    """Its mark has to be durable before its agent runs."""
    marked: bool = False
    """A mark says that it runs: whoever gives it back has to say that, too."""

    def begins(self, process: str, company: Company) -> None:
        """A process is about to run it."""
        self.history = replace(self.history, owner=process, alone=company is Company.ALONE)
        self.marked = True

    def failed(self, error: BaseException, now: datetime) -> None:
        """An attempt ended with this error."""
        self.attempts += 1
        self.history = replace(
            self.history,
            first_failed_at=self.history.first_failed_at or now.timestamp(),
            error=describe(error)[:_ERROR_CHARACTERS],
        )

    def writes(self, status: Status, now: datetime) -> dict[bytes, bytes | None]:
        """The state that says so."""
        mark = Mark(
            status=status,
            at=int(now.timestamp()),
            key=self.incoming.key,
            digest=digest(self.incoming.record.value),
            attempts=self.attempts,
            replay=self.replay,
            history=self.history,
        )
        return {self.incoming.seen_key: mark.encode()}


def open_case(
    incoming: Incoming,
    subscription: Subscription,
    intent: Intent,
    known: Mark | None,
    *,
    replay: int,
    process: str,
) -> Case:
    """Begin with an event that may run.

    Args:
        incoming: the event.
        subscription: its topic.
        intent: what the partition's last owners had in reach when they died.
        known: the event's mark; that of a finished event is a replayed letter's, which begins anew.
        replay: which replay of its letter it is.
        process: who we are.
    """
    offset = incoming.record.offset
    past = None if known is None or known.finished else known
    history = _with_deaths(past, intent.presumed_death(offset), process)
    return Case(
        incoming=incoming,
        subscription=subscription,
        history=history,
        attempts=0 if past is None else past.attempts,
        replay=replay,
        careful=offset <= intent.careful or bool(history.deaths),
    )


def _with_deaths(past: Mark | None, presumed: str | None, process: str) -> History:
    """The event's history, and the death that it may have been part of since."""
    history = History() if past is None else past.history
    if past is not None and past.status is Status.RUNNING:
        if history.owner == process:
            return history  # we gave it up ourselves, unfenced and alive
        return replace(
            history,
            deaths=with_death(history.deaths, history.owner),
            deaths_alone=history.deaths_alone + history.alone,
        )
    if presumed is None:
        return history
    return replace(history, deaths=with_death(history.deaths, presumed))
