"""Reception: from a record to a lane, a letter, another topic, or the state where it waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from streamagents.errors import InvalidEventError, describe
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Skip
from streamagents.pipeline.stored import StoredRecord
from streamagents.pipeline.wait import due
from streamagents.ports import Outgoing, Record, Report
from streamagents.runtime.group import Group

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.pipeline.chain import Subscription
    from streamagents.ports import Clock, Observer
    from streamagents.runtime.settling import Settling
    from streamagents.runtime.writer import Writer

Decide: TypeAlias = Callable[[Record], Incoming | Skip | Forward | DeadLetter]


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that the application consumes, and how its records are judged."""

    subscription: Subscription
    decide: Decide
    agent: str | None
    """Who handles all of it; None where the topic leads to several."""
    whose: Callable[[Record], str] | None = None
    """Names who handles a record, where it is worth counting."""


class Reception:
    """Receives the records of one source partition, new ones and those that have waited.

    Args:
        source: the topic.
        clock: the time.
        settling: for letters.
        writer: for what is forwarded or skipped.
        finish: called with a record whose outcome is durable.
        push: takes what may run.
        delay: takes what may not run yet, and when it may.
        observer: is told.
    """

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        settling: Settling,
        writer: Writer,
        finish: Callable[[Record], None],
        push: Callable[[Incoming], None],
        delay: Callable[[Incoming, datetime], None],
        observer: Observer,
    ) -> None:
        self._subscription, self._decide = source.subscription, source.decide
        self._clock, self._settling, self._writer = clock, settling, writer
        self._finish, self._push, self._delay, self._observer = finish, push, delay, observer

    def receive(self, record: Record) -> None:
        """Judge a record, and do what follows."""
        decision = self._decide(record)
        if not isinstance(decision, Incoming):
            self._follow(record, decision)
            return
        if record.headers and not isinstance(record, StoredRecord):
            try:
                time = due(tuple(record.headers), self._clock.now())
            except InvalidEventError as exc:
                self._follow(record, DeadLetter(exc.code, str(exc), exc))
                return
            if time is not None:
                self._delay(decision, time)
                return
        self._push(decision)

    def judge(self, record: Record) -> Incoming | None:
        """The event that may run; for anything else, what follows has been done."""
        decision = self._decide(record)
        if isinstance(decision, Incoming):
            return decision
        self._follow(record, decision)
        return None

    def whose(self, record: Record) -> str:
        """The agent that a record is for; empty if it is for none."""
        decision = self._decide(record)
        return decision.registration.name if isinstance(decision, Incoming) else ""

    def _follow(self, record: Record, decision: Skip | Forward | DeadLetter) -> None:
        if isinstance(decision, DeadLetter):
            self._settling.dead_letter_unread(record, self._subscription, decision)
        elif isinstance(decision, Forward):
            self._forward(record, decision)
        else:
            # A tombstone that is skipped is done with; another group's is that group's affair.
            answers = self._settling.done_with(record) if decision.reason == "tombstone" else ()
            self._write(record, "skipped", *answers, detail=decision.reason)

    def refuse(self, record: Record, error: BaseException) -> None:
        """It had to wait, and could not be kept: only a person can help."""
        reason = f"it had to wait, and could not be kept: {describe(error)}"
        why = DeadLetter("unwritable", reason, error)
        self._settling.dead_letter_unread(record, self._subscription, why)

    def _forward(self, record: Record, where: Forward) -> None:
        """Written in the order of the partition, and only then finished."""
        outgoing = Outgoing(
            topic=where.topic,
            partition=where.partition,
            key=where.key,
            value=record.value,
            headers=where.headers,
            timestamp=record.timestamp,
        )
        self._write(record, "forwarded", outgoing, detail=where.topic)

    def _write(self, record: Record, outcome: str, *records: Outgoing, detail: str = "") -> None:
        def durable() -> None:
            self._finish(record)
            self._observer.observe(
                Report(
                    outcome=outcome,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    detail=detail,
                )
            )

        def refused(error: BaseException) -> None:
            why = DeadLetter("unwritable", f"it could not be {outcome}: {describe(error)}", error)
            self._settling.dead_letter_unread(record, self._subscription, why)

        writes: dict[bytes, bytes | None] = {}
        if isinstance(record, StoredRecord):
            writes[record.entry] = None
        self._writer.add(Group(writes=writes, records=records, durable=durable, refused=refused))
