"""Settling: from an outcome to the group that makes it durable, and to whoever wants to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.errors import describe
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.identity import digest, origin_of, seen_key
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.outcome import DeadLetter
from streamagents.ports import Report
from streamagents.runtime.group import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.agents import Registration
    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Duplicate, Incoming
    from streamagents.ports import Clock, Observer, Outgoing, Position, Record
    from streamagents.runtime.case import Case
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

log = structlog.stdlib.get_logger("streamagents.runtime")


class Settling:
    """Settles the events of one state partition.

    Args:
        group: the consumer group, for letters.
        clock: the time.
        observer: is told.
        store: the partition's state.
        writer: the partition's writer.
        finish: called with a record whose outcome is durable.
    """

    def __init__(
        self,
        *,
        group: str,
        clock: Clock,
        observer: Observer,
        store: Store,
        writer: Writer,
        finish: Callable[[Record], None],
    ) -> None:
        self._group, self._clock, self._observer = group, clock, observer
        self._store, self._writer, self._finish = store, writer, finish

    def mark(self, key: bytes) -> Mark | None:
        """The mark of an event, durable or on its way."""
        value = self._store.get(key)
        return None if value is None else Mark.decode(value)

    # -- outcomes --------------------------------------------------------------------------------

    def duplicate(self, incoming: Incoming, repeated: Duplicate) -> None:
        """It ran before. Settled behind the first, whose mark may not be durable yet."""
        code = "conflict" if repeated.conflict else ""
        report = _report("duplicate", incoming, code=code)
        if repeated.conflict:
            log.warning(
                "duplicate_differs",
                event_id=report.event_id,
                topic=report.topic,
                partition=report.partition,
                offset=report.offset,
            )
        self._add(incoming.record, report)

    def done(self, case: Case, emitted: list[Outgoing], seconds: float) -> None:
        """It succeeded: what it emitted and its mark are one group."""

        def refused(error: BaseException) -> None:
            reason = f"what the agent emitted could not be written: {describe(error)}"
            self.dead_letter(case, DeadLetter("unwritable", reason, error), seconds)

        self._add(
            case.incoming.record,
            _report("ok", case.incoming, attempt=case.attempts + 1, seconds=seconds),
            writes=case.writes(Status.DONE, self._clock.now()),
            records=emitted,
            refused=refused,
        )

    def dead_letter(self, case: Case, why: DeadLetter, seconds: float = 0.0) -> None:
        """Only a person can help: the letter and the mark are one group."""
        incoming, failed_at = case.incoming, case.history.first_failed_at
        now = self._clock.now()
        facts = self._facts(
            incoming.registration,
            origin=incoming.origin,
            key=incoming.origin_key,
            attempts=case.attempts,
            failed_at=datetime.fromtimestamp(failed_at, UTC) if failed_at else now,
            replay=case.replay,
        )
        self._send(
            incoming.record,
            letter(case.subscription.letters, incoming.record, why, facts),
            case.writes(Status.DEAD_LETTERED, now),
            _report(
                "dead_lettered",
                incoming,
                attempt=case.attempts,
                seconds=seconds,
                code=why.code,
                detail=why.reason,
            ),
        )

    def dead_letter_unread(
        self, record: Record, subscription: Subscription, why: DeadLetter
    ) -> None:
        """It could not be read, so that its place is its identity."""
        headers = tuple(record.headers)
        origin, key, _ = origin_of(record, headers)
        mark_key = seen_key(subscription.topic, "", str(origin), None)
        replay, now = replay_count(headers), self._clock.now()
        report = Report(
            outcome="dead_lettered",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            event_id=str(origin),
            code=why.code,
            detail=why.reason,
        )
        if duplicate(self.mark(mark_key), record.value, replay) is not None:
            self._add(record, replace(report, outcome="duplicate", code="", detail=""))
            return
        facts = self._facts(
            subscription.registration,
            origin=origin,
            key=key,
            attempts=0,
            failed_at=now,
            replay=replay,
        )
        mark = Mark(
            status=Status.DEAD_LETTERED,
            at=int(now.timestamp()),
            key=key,
            digest=digest(record.value),
            replay=replay,
        )
        outgoing = letter(subscription.letters, record, why, facts)
        self._send(record, outgoing, {mark_key: mark.encode()}, report)

    # -- what is no outcome ----------------------------------------------------------------------

    def released(self, case: Case) -> None:
        """It is given back, which is nobody's fault."""
        if case.marked:
            self._writer.add(Group(writes=case.writes(Status.RELEASED, self._clock.now())))
        self.tell("released", case)

    def tell(self, outcome: str, case: Case, error: BaseException | None = None) -> None:
        """Report what happened on the way."""
        report = _report(
            outcome,
            case.incoming,
            attempt=case.attempts + (outcome == "started"),
            code="" if error is None else type(error).__name__,
            detail="" if error is None else describe(error),
        )
        self._observer.observe(report)

    # -- groups ----------------------------------------------------------------------------------

    def _send(
        self, record: Record, outgoing: Outgoing, writes: Mapping[bytes, bytes | None], why: Report
    ) -> None:
        log.warning(
            "dead_lettered",
            event_id=why.event_id,
            topic=why.topic,
            code=why.code,
            agent=why.agent,
            attempts=why.attempt,
            reason=why.detail,
        )
        self._add(record, why, writes=writes, records=(outgoing,))

    def _add(self, record: Record, report: Report, **group: Any) -> None:
        def durable() -> None:
            self._finish(record)
            self._observer.observe(report)

        self._writer.add(Group(durable=durable, **group))

    def _facts(
        self,
        registration: Registration,
        *,
        origin: Position,
        key: bytes | None,
        attempts: int,
        failed_at: datetime,
        replay: int,
    ) -> LetterFacts:
        return LetterFacts(
            origin=origin,
            key=key,
            agent=registration.name,
            agent_version=registration.version,
            group=self._group,
            attempts=attempts,
            failed_at=failed_at,
            replay_count=replay,
        )


def _report(outcome: str, incoming: Incoming, **more: Any) -> Report:
    record = incoming.record
    return Report(
        outcome=outcome,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=incoming.id,
        agent=incoming.registration.name,
        **more,
    )
