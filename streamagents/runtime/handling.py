"""Handling: one event from the head of its lane to an outcome.

Deduplicate, look at its past, run its agent until it succeeds or a person is needed.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.crashes import Company, company, verdict
from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.mark import Status
from streamagents.pipeline.outcome import DeadLetter
from streamagents.pipeline.retry import after_failure
from streamagents.runtime.case import open_case
from streamagents.runtime.settling import Settling

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Clock, Observer, Outgoing, Record
    from streamagents.runtime.attempt import Attempts
    from streamagents.runtime.case import Case
    from streamagents.runtime.gate import Gate
    from streamagents.runtime.intent import Intent
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

_LOOK_S = 0.1


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
        self._worker, self._writer = worker, writer
        self.settling = Settling(
            group=worker.group,
            clock=worker.clock,
            observer=worker.observer,
            store=store,
            writer=writer,
            finish=finish,
        )
        self.running: set[asyncio.Task[Any]] = set()
        """Lanes whose agent runs now."""
        self.releasing = False
        """Nothing begins any more, and lanes are cancelled to give their events back."""

    async def handle(self, incoming: Incoming, subscription: Subscription, intent: Intent) -> None:
        """Bring one event to its outcome. Cancelled, it gives the event back."""
        known = self.settling.mark(incoming.seen_key)
        replay = replay_count(tuple(incoming.record.headers))
        repeated = duplicate(known, incoming.record.value, replay)
        if repeated is not None:
            self.settling.duplicate(incoming, repeated)
            return
        process = self._worker.process
        case = open_case(incoming, subscription, intent, known, replay=replay, process=process)
        guilty = verdict(case.history)
        if guilty is not None:
            self._worker.cleared.update(case.history.deaths)
            self.settling.dead_letter(case, guilty)
            return
        try:
            await self._until_outcome(case)
        except asyncio.CancelledError:
            self.settling.released(case)
            raise

    async def _until_outcome(self, case: Case) -> None:
        while not self.releasing:
            emitted, error, seconds = await self._attempt(case)
            if error is None:
                self.settling.done(case, emitted, seconds)
                return
            case.failed(error, self._worker.clock.now())
            route = case.incoming.registration.route
            decision = after_failure(error, case.attempts, route, random.uniform)
            if isinstance(decision, DeadLetter):
                self.settling.dead_letter(case, decision, seconds)
                return
            # Durable before the next attempt: a crash between them must not forget a failure.
            await self._write(case, Status.WAITING)
            case.marked = False
            self.settling.tell("retried", case, error)
            if not self.releasing:
                await self._worker.clock.sleep(decision.after_s)
        raise asyncio.CancelledError  # the event is given back

    async def _attempt(self, case: Case) -> tuple[list[Outgoing], BaseException | None, float]:
        def wanted() -> Company:
            return company(case.history, self._worker.cleared)

        clock = self._worker.clock
        async with self._worker.gate.turn(case.incoming.registration, wanted) as granted:
            await self._until_alive()
            if case.careful:
                case.begins(self._worker.process, granted)
                await self._write(case, Status.RUNNING)
            self.settling.tell("started", case)
            began = clock.monotonic()
            emitted, error = await self._run(case)
            return emitted, error, clock.monotonic() - began

    async def _write(self, case: Case, status: Status) -> None:
        await self._writer.write(case.writes(status, self._worker.clock.now()))

    async def _until_alive(self) -> None:
        """Begin nothing while the group may have given our partitions to somebody else.

        A worker that was frozen learns of its replacement only after it has gone on for a while.
        What it began then would be work for nothing: its writes are fenced. The wait ends with the
        next heartbeat, or with the release that cancels us.
        """
        while not self._worker.alive():
            await self._worker.clock.sleep(_LOOK_S)

    async def _run(self, case: Case) -> tuple[list[Outgoing], BaseException | None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a lane is a task
        self.running.add(task)
        cancels = task.cancelling()
        try:
            return await self._worker.attempts.run(case.incoming, case.attempts + 1), None
        except BaseException as exc:  # whatever an agent raises, SystemExit too, is its failure
            if self.releasing and task.cancelling() > cancels:
                raise asyncio.CancelledError from exc  # but for our own: the event is given back
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
