"""A case: one event and what is known of its past. Decided from its mark and its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamagents.errors import NotSentError, Reject, RetryLater, describe
from streamagents.pipeline.crashes import Company, with_death, without
from streamagents.pipeline.identity import digest
from streamagents.pipeline.mark import NOTHING, History, Mark, Status, done_mark
from streamagents.pipeline.stored import StoredRecord

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Incoming
    from streamagents.runtime.intent import Intent

_ERROR_CHARACTERS = 500


@dataclass(slots=True)
class Case:
    """One event on its way to an outcome."""

    incoming: Incoming
    subscription: Subscription
    history: History = NOTHING
    attempts: int = 0
    """Failures so far."""
    replay: int = 0
    careful: bool = False
    """Its mark has to be durable before its agent runs."""
    marked: bool = False
    """A mark says that it runs: whoever gives it back has to say that, too."""
    cut_off: bool = False
    """Its run was cancelled by a release."""
    company: Company = Company.ANY
    """In which it runs."""
    found_steps: bool = False
    """Steps of an earlier process or replay may be in the state."""
    step_keys: set[bytes] | None = None
    """Where steps of this process are."""

    def begins(self, process: str) -> None:
        """A process is about to run it, and says so in a mark."""
        alone = self.company is Company.ALONE
        self.history = replace(self.history, owner=process, alone=alone)
        self.marked = True

    def interrupted(self) -> None:
        """An attempt ended without telling how far it got."""
        self.history = replace(self.history, interrupted=True)

    def failed(self, error: BaseException, now: datetime, seconds: float) -> None:
        """An attempt that took so long ended with this error; who puts it off has not failed."""
        started_at = self.history.first_started_at or now.timestamp() - seconds
        self.history = replace(self.history, first_started_at=started_at)
        if isinstance(error, RetryLater):
            return
        self.attempts += 1
        self.history = replace(
            self.history,
            first_failed_at=self.history.first_failed_at or now.timestamp(),
            error=describe(error)[:_ERROR_CHARACTERS],
        )

    def waited_s(self, now: datetime) -> float:
        """Since it ran first, as far as that is known."""
        return max(0.0, now.timestamp() - self.history.first_started_at)

    @property
    def has_steps(self) -> bool:
        """Whether results of its steps may be in the state."""
        return self.found_steps or bool(self.step_keys)

    def done(self, now: datetime) -> bytes:
        """The mark that says that it succeeded."""
        incoming = self.incoming
        return done_mark(
            at=int(now.timestamp()),
            key=incoming.key,
            digest=digest(incoming.record.value),
            attempts=self.attempts,
            replay=self.replay,
        )

    def writes(self, status: Status, now: datetime) -> dict[bytes, bytes | None]:
        """The state that says anything else."""
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
    marked = incoming.registration.marked or isinstance(incoming.record, StoredRecord)
    if known is None and offset > intent.careful and not marked and not replay:
        # Nearly every event: it has no past, and nothing speaks against it.
        return Case(incoming, subscription)
    past = None if known is None or known.finished else known
    # What is marked before each run has a mark, if it ran: there is nothing to presume.
    presumed = None if incoming.registration.marked else intent.presumed_death(offset)
    history = without(_with_deaths(past, presumed, process), process)
    if history.parked:
        history = replace(history, parked=False)
    return Case(
        incoming=incoming,
        subscription=subscription,
        history=history,
        attempts=0 if past is None else past.attempts,
        replay=replay,
        careful=marked or offset <= intent.careful or bool(history.deaths),
        # The mark of a letter does not say whether its event had steps.
        found_steps=history.steps or replay > 0,
    )


def _with_deaths(past: Mark | None, presumed: str | None, process: str) -> History:
    """The event's history, and the death that it may have been part of since."""
    history = NOTHING if past is None else past.history
    if past is not None and past.status is Status.RUNNING:
        if history.owner == process:  # we gave it up ourselves: nobody died, but it was cut off
            return replace(history, interrupted=True)
        return replace(
            history,
            deaths=with_death(history.deaths, history.owner),
            deaths_alone=with_death(history.deaths_alone, history.owner)
            if history.alone
            else history.deaths_alone,
            interrupted=True,
        )
    if presumed is None:
        return history
    return replace(history, deaths=with_death(history.deaths, presumed), interrupted=True)


def may_have_happened(error: BaseException, case: Case) -> bool:
    """Whether what the attempt did outside may have got through, although it ended so."""
    if case.incoming.registration.marked:
        return not isinstance(error, (Reject, RetryLater, NotSentError))
    return isinstance(error, TimeoutError)  # the agent's own, too
