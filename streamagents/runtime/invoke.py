"""Invoking: an agent is handed its event, within its time limit."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.agents import Context, EventInfo
from streamagents.events import Event
from streamagents.runtime.begun import first_step
from streamagents.runtime.limits import Limits
from streamagents.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from streamagents.agents import Registration
    from streamagents.ports import Clock
    from streamagents.runtime.attempt import Attempt
    from streamagents.runtime.begun import Begun
    from streamagents.runtime.case import Case

_THREADS = 32

log = structlog.stdlib.get_logger("streamagents.agent")


class TimeIsUpError(TimeoutError):
    """Raised when an attempt took longer than its route allows: how far it got is not known."""


class Invoker:
    """Runs agents; one a worker.

    Args:
        clock: the time that agents are told.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = asyncio.Semaphore(_THREADS)
        self.limits = Limits()

    def start(self, case: Case, attempt: Attempt | None) -> Begun | None:
        """Take the first step of an `async def run`, in the task that runs now.

        Returns:
            None if that was all, and the agent returned nothing.

        Args:
            case: the event.
            attempt: what stands behind the context; None if the agent does not want one.
        """
        registration, payload = case.incoming.registration, case.incoming.payload
        if attempt is None:
            return first_step(registration.run(payload))
        return first_step(registration.run(payload, self._context(case, attempt)))

    async def run(self, case: Case, attempt: Attempt, begun: Begun | None = None) -> None:
        """Run the agent once; what it returns is emitted.

        Args:
            case: the event.
            attempt: takes what it emits.
            begun: its first step, if that has been taken.

        Raises:
            BaseException: whatever the agent raised; TimeIsUpError when its time was up;
                CancelledError also when the caller was cancelled.
        """
        registration = case.incoming.registration
        try:
            if begun is None and registration.is_async:
                begun = self.start(case, attempt if registration.wants_context else None)
                if begun is None:
                    return
            result = await self._timed(case, attempt, begun)
            if result is not None:
                emit_returned(result, attempt, registration)
        finally:
            attempt.close()

    async def _timed(self, case: Case, attempt: Attempt, begun: Begun | None) -> Any:
        registration = case.incoming.registration
        limit_s = registration.route.timeout_s
        if begun is None:
            work: Awaitable[Any] = self._in_thread(case, attempt)
        elif begun.ended:  # it never waited: its time cannot be up
            value = begun.result()
            if not inspect.isawaitable(value):
                return value
            work = value
        else:
            work = begun.rest()
        try:
            with self.limits.limit(limit_s, registration.name) as limit:
                result = await work
                # A decorated coroutine function looks like a plain one from outside.
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as exc:
            if not limit.expired:
                raise  # the agent's own
            raise TimeIsUpError(
                f"{registration.name}.run took longer than timeout_s={limit_s:g}"
            ) from exc

    async def _in_thread(self, case: Case, attempt: Attempt) -> Any:
        """Run a plain `def run` in a thread.

        A thread cannot be cancelled: when the time is up the failure waits for its end, or the
        next attempt and the next event of the key would run beside it.
        """
        registration = case.incoming.registration
        arguments: tuple[Any, ...] = (case.incoming.payload,)
        if registration.wants_context:
            arguments += (self._context(case, attempt),)
        async with self._threads:
            future = call_in_thread(registration.run, *arguments)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                log.warning("waiting_for_thread", agent=registration.name)
                await asyncio.wait([future])
                if future.exception() is not None:
                    raise
                return future.result()  # done is done: it counts, if the partition is still ours

    def _context(self, case: Case, attempt: Attempt) -> Context:
        incoming, number = case.incoming, case.attempts + 1
        event = EventInfo(
            id=incoming.id,
            type=incoming.type,
            source=incoming.source,
            time=incoming.time,
            attempt=number,
            topic=incoming.record.topic,
            key=None if incoming.key is None else incoming.key.decode(errors="replace"),
            headers=dict(incoming.record.headers),
            interrupted=case.history.interrupted,
        )
        bound = log.bind(agent=incoming.registration.name, event_id=incoming.id, attempt=number)
        return Context(event, run=attempt, clock=self._clock, log=bound)


def emit_returned(result: Any, attempt: Attempt, registration: Registration) -> None:
    """Emit what an agent returned.

    Raises:
        TypeError: it is no event, and no list of events.
    """
    events = result if isinstance(result, (list, tuple)) else [result]
    for event in events:
        if not isinstance(event, Event):
            raise TypeError(
                f"{registration.name}.run returned {type(event).__name__}: return an Event, a "
                "list of them, or nothing."
            )
    for event in events:
        attempt.emit(event)
