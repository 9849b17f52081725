"""Handling: one event from the head of its lane to a durable outcome.

Deduplicate, look at its past, run its agent until it succeeds or a person is needed. What the
attempt leaves behind goes to the writer as one group.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.errors import describe
from streamagents.pipeline.crashes import Company, company, verdict, with_death
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.identity import digest, seen_key
from streamagents.pipeline.mark import History, Mark, Status
from streamagents.pipeline.outcome import DeadLetter
from streamagents.pipeline.retry import after_failure
from streamagents.ports import Report
from streamagents.runtime.writer import Group

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.agents import Registration
    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Duplicate, Incoming
    from streamagents.ports import Clock, Observer, Outgoing, Position, Record
    from streamagents.runtime.attempt import Attempts
    from streamagents.runtime.gate import Gate
    from streamagents.runtime.intent import Intent
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

_LOOK_S = 0.1

log = structlog.stdlib.get_logger("streamagents.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What all partitions of one worker share."""

    process: str
    """Names this process in the marks that it writes; no two processes share one."""
    group: str
    """The consumer group."""
    gate: Gate
    attempts: Attempts
    clock: Clock
    observer: Observer
    alive: Callable[[], bool]
    """Whether the group still takes this worker for alive."""
    cleared: set[str] = field(default_factory=set)
    """Processes whose deaths an event has been found guilty of: their bystanders are free."""


@dataclass(slots=True, kw_only=True)
class _Case:
    """One event and what is known of its past."""

    incoming: Incoming
    subscription: Subscription
    history: History
    attempts: int
    replay: int
    careful: bool
    marked: bool = False
    """A mark says that it runs: whoever gives it back has to say that, too."""


class Handling:
    """Handles the events of one state partition.

    Args:
        worker: what the worker's partitions share.
        store: the partition's state.
        writer: the partition's writer.
        finish: called with a record whose outcome is durable.
    """

    def __init__(
        self, worker: Worker, store: Store, writer: Writer, finish: Callable[[Record], None]
    ) -> None:
        self._worker, self._store, self._writer, self._finish = worker, store, writer, finish
        self.running: set[asyncio.Task[Any]] = set()
        """Lanes whose agent runs now."""
        self.releasing = False
        """Lanes are being cancelled, to give their events back."""

    async def handle(self, incoming: Incoming, subscription: Subscription, intent: Intent) -> None:
        """Bring one event to its outcome. Cancelled, it gives the event back."""
        known = self._mark(incoming.seen_key)
        replay = replay_count(tuple(incoming.record.headers))
        repeated = duplicate(known, incoming.record.value, replay)
        if repeated is not None:
            self._duplicate(incoming, repeated)
            return
        case = self._case(incoming, subscription, intent, known, replay)
        guilty = verdict(case.history)
        if guilty is not None:
            self._worker.cleared.update(case.history.deaths)
            self._letter(case, guilty)
            return
        try:
            await self._until_outcome(case)
        except asyncio.CancelledError:
            if case.marked:
                self._writer.add(Group(writes=self._writes(case, Status.RELEASED)))
            self._report("released", case)
            raise

    def letter_unread(
        self,
        record: Record,
        subscription: Subscription,
        why: DeadLetter,
        origin: Position,
        key: bytes | None,
    ) -> None:
        """Dead-letter a record that could not be read: its place is its identity."""
        mark_key = seen_key(subscription.topic, "", str(origin), None)
        known = self._mark(mark_key)
        replay = replay_count(tuple(record.headers))
        if duplicate(known, record.value, replay) is not None:
            self._writer.add(Group(durable=lambda: self._finish(record)))
            return
        facts = self._facts(
            origin=origin,
            key=key,
            registration=subscription.registration,
            attempts=0,
            failed_at=self._worker.clock.now(),
            replay=replay,
        )
        mark = Mark(
            status=Status.DEAD_LETTERED,
            at=int(self._worker.clock.now().timestamp()),
            key=key,
            digest=digest(record.value),
            replay=replay,
        )
        self._write_letter(
            record,
            letter(subscription.letters, record, why, facts),
            {mark_key: mark.encode()},
            Report(
                outcome="dead_lettered",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                event_id=str(origin),
                code=why.code,
                detail=why.reason,
            ),
        )

    # -- the past --------------------------------------------------------------------------------

    def _mark(self, key: bytes) -> Mark | None:
        value = self._store.get(key)
        return None if value is None else Mark.decode(value)

    def _case(
        self,
        incoming: Incoming,
        subscription: Subscription,
        intent: Intent,
        known: Mark | None,
        replay: int,
    ) -> _Case:
        offset = incoming.record.offset
        fresh = known is None or known.finished  # a replayed letter begins anew
        history = History() if known is None or fresh else known.history
        if not fresh and known is not None and known.status is Status.RUNNING:
            if history.owner != self._worker.process:
                history = replace(
                    history,
                    deaths=with_death(history.deaths, history.owner),
                    deaths_alone=history.deaths_alone + history.alone,
                )
        elif (presumed := intent.presumed_death(offset)) is not None:
            history = replace(history, deaths=with_death(history.deaths, presumed))
        return _Case(
            incoming=incoming,
            subscription=subscription,
            history=history,
            attempts=0 if known is None or fresh else known.attempts,
            replay=replay,
            careful=offset <= intent.careful or bool(history.deaths),
        )

    # -- attempts --------------------------------------------------------------------------------

    async def _until_outcome(self, case: _Case) -> None:
        while not self.releasing:
            records, error, seconds = await self._attempt(case)
            if error is None:
                self._done(case, records, seconds)
                return
            case.attempts += 1
            now = self._worker.clock.now().timestamp()
            case.history = replace(
                case.history,
                first_failed_at=case.history.first_failed_at or now,
                error=describe(error)[:500],
            )
            decision = after_failure(
                error, case.attempts, case.incoming.registration.route, random.uniform
            )
            if isinstance(decision, DeadLetter):
                self._letter(case, decision, seconds)
                return
            # Durable before the next attempt: a crash between them must not forget a failure.
            await self._writer.write(self._writes(case, Status.WAITING))
            case.marked = False
            self._report("retried", case, code=type(error).__name__, detail=describe(error))
            if not self.releasing:
                await self._worker.clock.sleep(decision.after_s)
        raise asyncio.CancelledError  # nothing begins any more: the event is given back

    async def _attempt(self, case: _Case) -> tuple[list[Outgoing], BaseException | None, float]:
        def wanted() -> Company:
            return company(case.history, self._worker.cleared)

        async with self._worker.gate.turn(case.incoming.registration, wanted) as granted:
            await self._until_alive()
            if case.careful:
                case.history = replace(
                    case.history, owner=self._worker.process, alone=granted is Company.ALONE
                )
                case.marked = True
                await self._writer.write(self._writes(case, Status.RUNNING))
            self._report("started", case)
            began = self._worker.clock.monotonic()
            records, error = await self._run(case)
            return records, error, self._worker.clock.monotonic() - began

    async def _until_alive(self) -> None:
        """Begin nothing while the group may have given our partitions to somebody else.

        A worker that was frozen learns of its replacement only after it has gone on for a while.
        What it began then would be work for nothing: its writes are fenced. The wait ends with the
        next heartbeat, or with the release that cancels us.
        """
        while not self._worker.alive():
            await self._worker.clock.sleep(_LOOK_S)

    async def _run(self, case: _Case) -> tuple[list[Outgoing], BaseException | None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a lane is a task
        self.running.add(task)
        cancels = task.cancelling()
        try:
            return await self._worker.attempts.run(case.incoming, case.attempts + 1), None
        except BaseException as exc:
            if self.releasing and task.cancelling() > cancels:
                raise asyncio.CancelledError from exc  # ours: the event is given back
            return [], exc
        finally:
            self.running.discard(task)
            await self._forget_cancels(task, cancels)

    async def _forget_cancels(self, task: asyncio.Task[Any], cancels: int) -> None:
        """An agent that cancelled its own task has failed; the lane it ran in goes on."""
        while task.cancelling() > cancels and not self.releasing:
            task.uncancel()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # where a cancellation that is under way arrives

    # -- outcomes --------------------------------------------------------------------------------

    def _duplicate(self, incoming: Incoming, repeated: Duplicate) -> None:
        record = incoming.record
        if repeated.conflict:
            log.warning(
                "duplicate_differs",
                event_id=incoming.id,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
        report = self._reporting(
            "duplicate", incoming, code="conflict" if repeated.conflict else ""
        )
        # Behind the first in the writer's queue: its mark may not be durable yet.
        self._writer.add(Group(durable=lambda: self._finished(record, report)))

    def _done(self, case: _Case, records: list[Outgoing], seconds: float) -> None:
        record = case.incoming.record
        report = self._reporting("ok", case.incoming, attempt=case.attempts + 1, seconds=seconds)

        def refused(error: BaseException) -> None:
            reason = f"what the agent emitted could not be written: {describe(error)}"
            self._letter(case, DeadLetter("unwritable", reason, error), seconds)

        self._writer.add(
            Group(
                writes=self._writes(case, Status.DONE),
                records=records,
                durable=lambda: self._finished(record, report),
                refused=refused,
            )
        )

    def _letter(self, case: _Case, why: DeadLetter, seconds: float = 0.0) -> None:
        incoming = case.incoming
        failed_at = case.history.first_failed_at
        facts = self._facts(
            origin=incoming.origin,
            key=incoming.origin_key,
            registration=incoming.registration,
            attempts=case.attempts,
            failed_at=datetime.fromtimestamp(failed_at, UTC)
            if failed_at
            else self._worker.clock.now(),
            replay=case.replay,
        )
        report = self._reporting(
            "dead_lettered",
            incoming,
            attempt=case.attempts,
            seconds=seconds,
            code=why.code,
            detail=why.reason,
        )
        self._write_letter(
            incoming.record,
            letter(case.subscription.letters, incoming.record, why, facts),
            self._writes(case, Status.DEAD_LETTERED),
            report,
        )

    def _write_letter(
        self, record: Record, outgoing: Outgoing, writes: dict[bytes, bytes | None], report: Report
    ) -> None:
        log.warning(
            "dead_lettered",
            event_id=report.event_id,
            topic=report.topic,
            code=report.code,
            agent=report.agent,
            attempts=report.attempt,
            reason=report.detail,
        )
        self._writer.add(
            Group(
                writes=writes, records=(outgoing,), durable=lambda: self._finished(record, report)
            )
        )

    def _finished(self, record: Record, report: Report) -> None:
        self._finish(record)
        self._worker.observer.observe(report)

    # -- records ---------------------------------------------------------------------------------

    def _writes(self, case: _Case, status: Status) -> dict[bytes, bytes | None]:
        mark = Mark(
            status=status,
            at=int(self._worker.clock.now().timestamp()),
            key=case.incoming.key,
            digest=digest(case.incoming.record.value),
            attempts=case.attempts,
            replay=case.replay,
            history=case.history,
        )
        return {case.incoming.seen_key: mark.encode()}

    def _facts(
        self,
        *,
        origin: Position,
        key: bytes | None,
        registration: Registration,
        attempts: int,
        failed_at: datetime,
        replay: int,
    ) -> LetterFacts:
        return LetterFacts(
            origin=origin,
            key=key,
            agent=registration.name,
            agent_version=registration.version,
            group=self._worker.group,
            attempts=attempts,
            failed_at=failed_at,
            replay_count=replay,
        )

    def _report(self, outcome: str, case: _Case, *, code: str = "", detail: str = "") -> None:
        attempt = case.attempts + (outcome == "started")
        self._worker.observer.observe(
            self._reporting(outcome, case.incoming, attempt=attempt, code=code, detail=detail)
        )

    def _reporting(self, outcome: str, incoming: Incoming, **more: Any) -> Report:
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
