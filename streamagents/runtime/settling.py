"""Settling: from an outcome to the group that makes it durable, and to whoever wants to know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError

from streamagents.errors import StepError, describe
from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.identity import digest, origin_of, seen_key
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.outcome import DeadLetter
from streamagents.pipeline.places import steps_of
from streamagents.pipeline.replay import Stage, letter_of
from streamagents.pipeline.stored import StoredRecord
from streamagents.ports import Report
from streamagents.runtime.ends import Ends
from streamagents.runtime.group import Group
from streamagents.runtime.letters import Letters
from streamagents.runtime.reports import report_of
from streamagents.runtime.telling import Telling, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Duplicate, Incoming
    from streamagents.pipeline.replay import Answers
    from streamagents.ports import Clock, Observer, Outgoing, Record
    from streamagents.runtime.case import Case
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

log = structlog.stdlib.get_logger("streamagents.runtime")

Writes = dict[bytes, bytes | None]


class Settling:
    """Settles the events of one state partition.

    Args:
        process: names this process in marks.
        group: the consumer group, for letters.
        clock: the time.
        observer: is told.
        answers: to replayed letters.
        store: the partition's state.
        writer: the partition's writer.
        finish: called with a record whose outcome is durable.
    """

    def __init__(
        self,
        *,
        process: str,
        group: str,
        clock: Clock,
        observer: Observer,
        answers: Answers,
        store: Store,
        writer: Writer,
        finish: Callable[[Record], None],
    ) -> None:
        self._process, self._clock, self._observer = process, clock, observer
        self._store, self._writer, self._finish = store, writer, finish
        self._answers = answers
        self._letters = Letters(group)
        self._ends = Ends(writer, observer, finish)
        self.telling = Telling(observer)

    # -- the state -------------------------------------------------------------------------------

    def mark(self, key: bytes) -> Mark | None:
        """The mark of an event, durable or on its way."""
        value = self._store.get(key)
        return None if value is None else Mark.decode(value)

    def read(self, key: bytes) -> bytes | None:
        """A value of the state, durable or on its way."""
        return self._store.get(key)

    async def write(self, case: Case, status: Status) -> None:
        """Write an event's mark and wait until it is durable."""
        await self._writer.write(case.writes(status, self._clock.now()))

    async def step(self, case: Case, writes: Writes) -> None:
        """Write a step's result and wait until it is durable.

        The first of a run brings a mark: the next owner has to know that there are steps.
        """
        before = case.marked, case.history
        case.step_keys = (case.step_keys or set()) | writes.keys()
        if not case.marked or not case.history.steps:
            case.history = replace(case.history, steps=True)
            case.begins(self._process)
            writes = {**writes, **case.writes(Status.RUNNING, self._clock.now())}
        try:
            await self._writer.write(writes)
        except KafkaError as exc:
            case.marked, case.history = before  # the next step brings the mark
            raise StepError(f"The step's result could not be kept: {describe(exc)}.") from exc

    # -- outcomes --------------------------------------------------------------------------------

    def duplicate(self, incoming: Incoming, repeated: Duplicate) -> None:
        """It ran before. Settled behind the first, whose mark may not be durable yet."""
        code = "conflict" if repeated.conflict else ""
        report = report_of("duplicate", incoming, code=code)
        if repeated.conflict:
            log.warning(
                "duplicate_differs",
                event_id=report.event_id,
                topic=report.topic,
                partition=report.partition,
                offset=report.offset,
            )
        answer: tuple[Outgoing, ...] = ()
        if letter_of(tuple(incoming.record.headers)) is not None:
            mark = self.mark(incoming.seen_key)
            answer = self._answers.of_duplicate(incoming.record, mark, self._clock.now())
        self._add(incoming.record, report, records=answer)

    def done(
        self,
        case: Case,
        seconds: float,
        records: Sequence[Outgoing] = (),
        state: Writes | None = None,
    ) -> None:
        """It succeeded: what it leaves and its mark are one group. Its steps have served.

        Args:
            case: the event.
            seconds: how long its agent ran.
            records: what it emitted and decided.
            state: what it changed.
        """
        mark = case.done(self._clock.now())
        incoming, attempts = case.incoming, case.attempts + 1
        if case.replay:
            records = (*records, *self.done_with(incoming.record))
        waited = isinstance(incoming.record, StoredRecord)
        if not (records or state or case.has_steps or waited or case.replay):
            self._ends.add(incoming, attempts, seconds, mark)
            return

        def refused(error: BaseException) -> None:
            reason = f"what the agent emitted could not be written: {describe(error)}"
            self.dead_letter(case, DeadLetter("unwritable", reason, error), seconds)

        writes: Writes = {incoming.seen_key: mark, **(state or {})}
        if case.has_steps:
            writes |= dict.fromkeys(self._step_keys(case))
        report = report_of("ok", incoming, attempts, seconds, replay=case.replay)
        self._add(incoming.record, report, writes, records, refused, binding=bool(state))

    def dead_letter(self, case: Case, why: DeadLetter, seconds: float = 0.0) -> None:
        """Only a person can help: the letter and the mark are one group. Its steps stay."""
        now = self._clock.now()
        self._send(
            case.incoming.record,
            self._letters.of(case, why, now),
            case.writes(Status.DEAD_LETTERED, now),
            report_of(
                "dead_lettered",
                case.incoming,
                attempt=case.attempts,
                seconds=seconds,
                code=why.code,
                detail=why.reason,
                replay=case.replay,
            ),
            why.error,
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
            replay=replay,
        )
        known = self.mark(mark_key)
        if duplicate(known, record.value, replay) is not None:
            again = report._replace(outcome="duplicate", code="", detail="")
            self._add(record, again, records=self._answers.of_duplicate(record, known, now))
            return
        mark = Mark(
            status=Status.DEAD_LETTERED,
            at=int(now.timestamp()),
            key=key,
            digest=digest(record.value),
            replay=replay,
        )
        outgoing = self._letters.of_unread(
            record, subscription, why, origin=(origin, key), replay=replay, now=now
        )
        self._send(record, outgoing, {mark_key: mark.encode()}, report)

    def done_with(self, record: Record) -> tuple[Outgoing, ...]:
        """What tells, if it was a replayed letter, that its event needs nobody any more."""
        return self._answers.of(record, Stage.DONE, self._clock.now())

    # -- what is no outcome ----------------------------------------------------------------------

    def parked(self, case: Case, entry: Writes, refused: Callable[[BaseException], None]) -> None:
        """It waits in the state from now on, its offset moves on."""
        case.history = replace(case.history, parked=True)
        writes = {**case.writes(Status.WAITING, self._clock.now()), **entry}
        self.put_away(case.incoming.record, writes, refused=refused)

    def put_away(
        self,
        record: Record,
        writes: Writes,
        *,
        refused: Callable[[BaseException], None],
        arrived: Callable[[], None] | None = None,
    ) -> None:
        """A record waits in the state, for its time or behind another."""

        def durable() -> None:
            self._finish(record)
            if arrived is not None:
                arrived()

        self._writer.add(Group(writes=writes, durable=durable, refused=refused))

    def released(self, case: Case) -> None:
        """It is given back, which is nobody's fault. Whether it was cut off, is kept."""
        if case.marked or case.cut_off:
            self._writer.add(Group(writes=case.writes(Status.RELEASED, self._clock.now())))
        self.telling.tell("released", case)

    def forget_steps(self, incoming: Incoming) -> None:
        """What was paid for is to be paid for again."""
        keys = [key for key, _ in self._store.scan(steps_of(incoming.seen_key))]
        if keys:
            self._writer.add(Group(writes=dict.fromkeys(keys)))

    # -- groups ----------------------------------------------------------------------------------

    def _send(
        self,
        record: Record,
        outgoing: Outgoing,
        writes: Writes,
        why: Report,
        error: BaseException | None = None,
    ) -> None:
        log.warning(
            "dead_lettered",
            event_id=why.event_id,
            topic=why.topic,
            code=why.code,
            agent=why.agent,
            attempts=why.attempt,
            reason=why.detail,
            **place_of(error),
        )
        answer = self._answers.of(record, Stage.REPLACED, self._clock.now())
        self._add(record, why, writes, (outgoing, *answer))

    def _add(
        self,
        record: Record,
        report: Report,
        writes: Writes | None = None,
        records: Sequence[Outgoing] = (),
        refused: Callable[[BaseException], None] | None = None,
        *,
        binding: bool = False,
    ) -> None:
        def durable() -> None:
            self._finish(record)
            self._observer.observe(report)

        writes = writes or {}
        if isinstance(record, StoredRecord):  # it has waited long enough
            writes[record.entry] = None
        self._writer.add(Group(writes, records, durable, refused, binding))

    def _step_keys(self, case: Case) -> set[bytes]:
        """Where the event's steps are, those of earlier processes too."""
        keys = set(case.step_keys or ())
        if case.found_steps:
            keys.update(key for key, _ in self._store.scan(steps_of(case.incoming.seen_key)))
        return keys
