"""Intake: from a poll to lanes. The only place that knows how records arrive."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import describe
from streamagents.pipeline.chain import judge
from streamagents.pipeline.dispatch import dispatch
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Run
from streamagents.ports import Outgoing, Report
from streamagents.runtime.group import Group
from streamagents.runtime.intent import AHEAD, NOTHING, Intent, intent_key
from streamagents.runtime.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.ports import Observer, Record
    from streamagents.runtime.seam import Poll
    from streamagents.runtime.settling import Settling
    from streamagents.runtime.writer import Writer

log = structlog.stdlib.get_logger("streamagents.runtime")

MAX_SPAN = 100_000
"""Offsets behind an unfinished one that are kept track of; beyond it the partition is paused."""
MAX_BYTES = 8 << 20
"""Bytes of records in the hands of one source partition."""


class Intake:
    """One source partition in one assignment.

    Args:
        subscription: the topic and its agent.
        inbox: for the inbox, the typed topics by event type; None for a typed topic.
        partition: number of the partition.
        start: where the seek of this assignment went, and the stamp of that seek.
        intent: what the partition's last owner intended, inherited.
        limit: events delivered and not finished, beyond which the partition is paused.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        inbox: Mapping[str, Subscription] | None,
        partition: int,
        start: tuple[int, object],
        intent: Intent,
        limit: int,
        partition_of: Partitioner,
        settling: Settling,
        writer: Writer,
        observer: Observer,
        push: Callable[[Intake, Incoming], None],
    ) -> None:
        self.subscription, self.partition = subscription, partition
        position, self._seek = start
        self.ledger = Ledger(position)
        self.intent = intent
        self._inbox, self._limit, self._partition_of = inbox, limit, partition_of
        self._settling, self._writer, self._observer = settling, writer, observer
        self._push = push
        self._intended = self._announced = NOTHING
        self._waiting: deque[Poll] = deque()
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether the partition is to be paused."""
        ledger = self.ledger
        return (
            ledger.unfinished >= self._limit or ledger.span >= MAX_SPAN or self._bytes >= MAX_BYTES
        )

    def take(self, poll: Poll) -> bool:
        """Take a poll. False: a poll is missing between this one and the last."""
        if poll.seek is not self._seek:
            return True  # of an earlier assignment: the seek brings its records again
        if poll.start != self.ledger.next:
            return False
        self.ledger.deliver((record.offset for record in poll.records), poll.end)
        self._bytes += sum(len(record.value or b"") for record in poll.records)
        if poll.records:
            self._waiting.append(poll)
            self._announce(poll.end - 1)
        return True

    def finish(self, record: Record) -> None:
        """A record's outcome is durable."""
        self._bytes -= len(record.value or b"")
        self.ledger.finish(record.offset)

    def released(self) -> dict[bytes, bytes | None]:
        """The state that says that nothing is in flight any more."""
        if self._intended == NOTHING:
            return {}
        return self._intent_write(NOTHING)

    # -- the intent ------------------------------------------------------------------------------

    def _announce(self, last: int) -> None:
        """Begin with the waiting polls as soon as the intent that covers them is durable."""
        self._admit()
        if last <= self._intended:
            return
        high = self._intended = last + AHEAD

        def durable() -> None:
            self._announced = high
            self._admit()

        self._writer.add(Group(writes=self._intent_write(high), durable=durable))

    def _intent_write(self, high: int) -> dict[bytes, bytes | None]:
        inherited = self.intent
        intent = Intent(
            process=inherited.process,
            high=high,
            careful=inherited.careful,
            presumed_above=inherited.presumed_above,
            suspect=inherited.suspect,
        )
        return {intent_key(self.subscription.topic): intent.encode()}

    def _admit(self) -> None:
        while self._waiting and self._waiting[0].end - 1 <= self._announced:
            for record in self._waiting.popleft().records:
                self._judge(record)

    # -- records ---------------------------------------------------------------------------------

    def _judge(self, record: Record) -> None:
        if self._inbox is None:
            decision = judge(record, self.subscription, self._partition_of)
        else:
            decision = dispatch(record, self.subscription, self._inbox, self._partition_of)
        self._report("received", record)
        if isinstance(decision, Run):
            self._push(self, decision.incoming)
        elif isinstance(decision, DeadLetter):
            self._settling.dead_letter_unread(record, self.subscription, decision)
        elif isinstance(decision, Forward):
            self._forward(record, decision)
        else:
            self._write(record, "skipped", detail=decision.reason)

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
            self.finish(record)
            self._report(outcome, record, detail=detail)

        def refused(error: BaseException) -> None:
            why = DeadLetter("unwritable", f"it could not be {outcome}: {describe(error)}", error)
            self._settling.dead_letter_unread(record, self.subscription, why)

        self._writer.add(Group(records=records, durable=durable, refused=refused))

    def _report(self, outcome: str, record: Record, *, detail: str = "") -> None:
        self._observer.observe(
            Report(
                outcome=outcome,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                detail=detail,
            )
        )
