"""Handling: one event from the head of its lane to an outcome.

Deduplicate, look at its past, run its agent until it succeeds, is parked, or a person is needed.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.crashes import Company, company, verdict
from streamagents.pipeline.dedupe import duplicate, replay_count
from streamagents.pipeline.mark import Status
from streamagents.pipeline.outcome import DeadLetter, Park
from streamagents.pipeline.replay import is_fresh
from streamagents.pipeline.retry import after_failure
from streamagents.runtime.attempt import Attempt
from streamagents.runtime.begun import Start
from streamagents.runtime.case import may_have_happened, open_case
from streamagents.runtime.eager import forget_cancels, was_cancelled
from streamagents.runtime.reports import report_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import Incoming, Retry
    from streamagents.runtime.begun import Begun
    from streamagents.runtime.case import Case
    from streamagents.runtime.intent import Intent
    from streamagents.runtime.settling import Settling
    from streamagents.runtime.shared import Worker

_LOOK_S = 0.1


class Handling:
    """Handles the events of one state partition.

    Args:
        worker: what the worker's partitions share.
        settling: makes outcomes durable.
        park: puts an event that has to wait for so many seconds into the state.
    """

    def __init__(
        self, worker: Worker, settling: Settling, park: Callable[[Case, float], None]
    ) -> None:
        self._worker, self._settling, self._park = worker, settling, park
        self.running: set[asyncio.Task[Any]] = set()
        """Lanes whose agent runs now."""
        self.begun = 0
        """Attempts so far."""
        self.releasing = False
        """Nothing begins any more, and lanes are cancelled to give their events back."""
        self.dropped = False
        """The partition is somebody else's: an agent that goes on is alone with it."""

    def begin(
        self, incoming: Incoming, subscription: Subscription, intent: Intent
    ) -> Coroutine[Any, Any, bool] | None:
        """Begin with an event: deduplicate, look at its past, hand it to its agent.

        Returns:
            What is left to be done, to be awaited in the same task; None if the event has ended,
            as most do whose agent waits for nothing. Its result is whether the event has ended:
            one that is parked has not. Cancelled, it gives the event back.
        """
        known = self._settling.mark(incoming.seen_key)
        headers = incoming.record.headers
        replay = replay_count(tuple(headers)) if headers else 0
        if known is not None:
            repeated = duplicate(known, incoming.record.value, replay)
            if repeated is not None:
                self._settling.duplicate(incoming, repeated)
                return None
        worker = self._worker
        if replay and is_fresh(tuple(headers)) and (known is None or known.finished):
            self._settling.forget_steps(incoming)
        case = open_case(
            incoming, subscription, intent, known, replay=replay, process=worker.process
        )
        if case.history.deaths and (guilty := verdict(case.history)) is not None:
            worker.cleared.update(case.history.deaths)
            self._settling.dead_letter(case, guilty)
            return None
        agent = incoming.registration
        if agent.is_async and not case.careful and worker.alive() and worker.gate.open_to(agent):
            return self._at_once(case)
        return self._handle(case)

    def _at_once(self, case: Case) -> Coroutine[Any, Any, bool] | None:
        """Its turn has come without a wait: what its agent does without one needs none of ours."""
        worker, agent = self._worker, case.incoming.registration
        attempt = self._new_attempt(case) if agent.wants_context else None
        started_at = worker.clock.monotonic()
        self.begun += 1
        worker.observer.observe(report_of("started", case.incoming, case.attempts + 1))
        begun = worker.invoker.start(case, attempt)
        if begun is None:
            seconds = worker.clock.monotonic() - started_at
            if attempt is None:
                self._settling.done(case, seconds)
            else:
                attempt.close()
                self._settling.done(case, seconds, attempt.records, attempt.writes)
            return None
        worker.gate.take(agent)  # whoever is done at once needs no slot
        task = _this_task()
        self.running.add(task)  # from here on a release waits for it
        start = Start(attempt or self._new_attempt(case), started_at, begun, task)
        return self._handle(case, start)

    async def _handle(self, case: Case, start: Start | None = None) -> bool:
        while True:
            try:
                return await self._until_outcome(case, start)
            except asyncio.CancelledError:
                task = _this_task()
                if self.releasing or not was_cancelled(task):
                    self._settling.released(case)
                    raise
            # Somebody kept the task, as a timer that was not taken back does, and has hit a wait
            # of ours: that is no attempt, and begins anew.
            start = None
            await forget_cancels(task)

    async def _until_outcome(self, case: Case, start: Start | None) -> bool:
        while start is not None or not self.releasing:
            if start is None:
                attempt = self._new_attempt(case)
                error, seconds = await self._attempt(case, attempt)
            else:
                attempt = start.attempt
                error, seconds = await self._go_on(case, start)
                start = None
            if error is None:
                self._settling.done(case, seconds, attempt.records, attempt.writes)
                return True
            decision = self._decide(case, error, seconds)
            if isinstance(decision, DeadLetter):
                self._settling.dead_letter(case, decision, seconds)
                return True
            if isinstance(decision, Park):
                self._park(case, decision.after_s)
                self._settling.telling.tell_put_off(
                    "parked", case, error, decision.after_s, seconds
                )
                return False
            # Durable before the next attempt: a crash between them must not forget a failure.
            await self._settling.write(case, Status.WAITING)
            case.marked = False
            self._settling.telling.tell_put_off("retried", case, error, decision.after_s, seconds)
            if not self.releasing:
                await self._worker.clock.sleep(decision.after_s)
        raise asyncio.CancelledError  # the event is given back

    def _decide(
        self, case: Case, error: BaseException, seconds: float
    ) -> Retry | Park | DeadLetter:
        now = self._worker.clock.now()
        case.failed(error, now, seconds)
        route = case.incoming.registration.route
        waited_s = case.waited_s(now)
        return after_failure(error, case.attempts, route, random.uniform, waited_s=waited_s)

    def _new_attempt(self, case: Case) -> Attempt:
        worker = self._worker
        # A frozen worker must not pay for what its successor has paid for: see `_until_alive`.
        return Attempt(
            case,
            worker.emitter,
            self._settling,
            worker.clock,
            worker.asker,
            before_step=self._until_alive,
        )

    async def _attempt(self, case: Case, attempt: Attempt) -> tuple[BaseException | None, float]:
        worker = self._worker

        def wanted() -> Company:
            return company(case.history, worker.cleared)

        agent = case.incoming.registration
        async with worker.gate.turn(agent, wanted) as case.company:
            if agent.turn is not None:
                await agent.turn()
            await self._until_alive()
            if case.careful:
                case.begins(worker.process)
                await self._settling.write(case, Status.RUNNING)
                # A worker may be frozen in this wait, too, and another one run the event meanwhile.
                await self._until_alive()
            self.begun += 1
            self._settling.telling.tell("started", case)
            started_at = worker.clock.monotonic()
            error = await self._run(case, attempt, _this_task())
            return error, worker.clock.monotonic() - started_at

    async def _go_on(self, case: Case, start: Start) -> tuple[BaseException | None, float]:
        """The rest of an attempt that began at once."""
        try:
            error = await self._run(case, start.attempt, start.task, start.begun)
        finally:
            self._worker.gate.give(case.incoming.registration)
        return error, self._worker.clock.monotonic() - start.at

    async def _until_alive(self) -> None:
        """Begin nothing while the group may have given our partitions to somebody else.

        A worker that was frozen learns of its replacement only after it has gone on for a while.
        What it began then would be work for nothing: its writes are fenced. The wait ends with the
        next heartbeat, or with the release that cancels us.
        """
        if self.dropped:
            raise asyncio.CancelledError  # whoever did not heed the first one pays for nothing more
        while not self._worker.alive():
            await self._worker.clock.sleep(_LOOK_S)

    async def _run(
        self, case: Case, attempt: Attempt, task: asyncio.Task[Any], begun: Begun | None = None
    ) -> BaseException | None:
        self.running.add(task)
        try:
            await self._worker.invoker.run(case, attempt, begun)
        except BaseException as exc:  # whatever an agent raises, SystemExit too, is its failure
            if self.releasing and task.cancelling():
                case.interrupted()
                case.cut_off = True
                raise asyncio.CancelledError from exc  # but for our own: the event is given back
            if may_have_happened(exc, case):
                case.interrupted()
            return exc
        else:
            return None
        finally:
            self.running.discard(task)
            if was_cancelled(task) and not self.releasing:
                await forget_cancels(task)  # an agent cancelled its own task: its lane goes on


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a lane is a task
    return task
