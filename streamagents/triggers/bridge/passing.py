"""Passing on: from a queue to our broker, batch by batch. The queue is told last."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from streamagents.ports import Clock, Message, Queue
    from streamagents.triggers.bridge.bridge import Bridge
    from streamagents.triggers.bridge.translation import Translation
    from streamagents.triggers.sending import Sender

log = structlog.stdlib.get_logger("streamagents.triggers")

BATCH = 500
_MOST_WAITING = 10 * BATCH
HOLD_S = 5.0
"""A batch that waits for our broker is held in its queue so often."""
_AGAIN_S, _AGAIN_MAX_S = 1.0, 30.0
_TOLD, _TOLD_EVERY = 10, 1000
"""Messages that are no event and named in the log: the first ones, then each thousandth."""


@dataclass
class Counts:
    """What a bridge has done since it began. A message that came twice counts twice."""

    passed: int = 0
    unmapped: int = 0
    left_out: int = 0


class Passing:
    """Runs one bridge: one batch at a time, so each source partition keeps its order."""

    def __init__(
        self, bridge: Bridge, queue: Queue, translation: Translation, sender: Sender, clock: Clock
    ) -> None:
        self._queue, self._translation = queue, translation
        self._sender, self._clock = sender, clock
        self._log = log.bind(bridge=bridge.name)
        self._stopping = asyncio.Event()
        self._failures = 0
        self._not_taken_off: list[Message] = []
        self.counts = Counts()
        self.away = "it has not answered yet"
        """Why the queue cannot be read; empty while it can."""
        self.away_at = clock.monotonic()
        """Since when, in monotonic seconds."""

    def stop(self) -> None:
        """Ask it to end when its batch is through."""
        self._stopping.set()

    async def run(self) -> None:
        """Pass on until it is asked to stop.

        Raises:
            TopicsError: the events' topic does not exist.
            QueueError: the queue refuses us, and waiting does not mend it.
        """
        try:
            while not self._stopping.is_set():
                messages = await self._received()
                if messages:
                    await self.pass_on(messages)
                elif self._not_taken_off:
                    await self._take_off(())
        finally:
            await self._queue.close()
            self._log.info("bridge_ends", **vars(self.counts))

    async def pass_on(self, messages: Sequence[Message]) -> None:
        """Send a batch; the queue is told when our broker has all of it."""
        translated = [self._translation.translate(message) for message in messages]
        sending = [
            (message, one)
            for message, one in zip(messages, translated, strict=True)
            if one.record is not None
        ]
        async with self._held(messages):
            records = [one.record for _, one in sending if one.record is not None]
            refused = await self._sender.send(records) if records else {}
            for place, error in refused.items():
                await self._tell(sending[place][0], str(error))
        for message, one in sending:
            self._count(message, one.reason)
        for place, error in refused.items():
            self.counts.passed -= 1
            self._count(sending[place][0], str(error))
        self.counts.left_out += len(messages) - len(sending)
        await self._take_off(messages)

    async def _take_off(self, messages: Sequence[Message]) -> None:
        """Tell the queue; what it does not hear is told again, or comes again under its id."""
        waiting = [*self._not_taken_off, *messages][-_MOST_WAITING:]
        try:
            await self._queue.done(waiting)
        except QueueError as exc:
            if not self._not_taken_off:
                self._log.warning("not_taken_off", messages=len(messages), reason=str(exc))
            self._not_taken_off = waiting
        else:
            self._not_taken_off = []

    async def _tell(self, message: Message, reason: str) -> None:
        """Our broker takes less than its topics should: it is told as much as it takes."""
        for told in (
            self._translation.unmapped(message, reason),
            self._translation.brief(message, reason),
        ):
            if not await self._sender.send([told]):
                return

    async def _received(self) -> Sequence[Message]:
        """The next batch; none when it is time to stop, or the queue is away."""
        try:
            messages = await self._unless_stopped()
        except QueueError as exc:
            if exc.lasting:
                raise
            if not self._failures:
                self._log.warning("waiting_for_queue", reason=str(exc))
            if not self.away:
                self.away_at = self._clock.monotonic()
            self.away = str(exc)
            await self._queue.close()
            self._not_taken_off = []  # they come again
            wait_s = min(_AGAIN_MAX_S, _AGAIN_S * 2 ** min(self._failures, 10))
            self._failures += 1
            await self._rest(wait_s)
            return ()
        self.away = ""
        if self._failures:
            self._log.info("queue_is_back")
            self._failures = 0
        return messages

    async def _unless_stopped(self) -> Sequence[Message]:
        receiving = asyncio.ensure_future(self._queue.receive(BATCH))
        asked = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([receiving, asked], return_when=asyncio.FIRST_COMPLETED)
            # What came too late is not done, and comes again.
            return receiving.result() if receiving.done() else ()
        finally:
            asked.cancel()
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        tasks = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    @asynccontextmanager
    async def _held(self, messages: Sequence[Message]) -> AsyncIterator[None]:
        holding = asyncio.create_task(self._hold(messages))
        try:
            yield
        finally:
            holding.cancel()
            await asyncio.wait([holding])

    async def _hold(self, messages: Sequence[Message]) -> None:
        while True:
            await self._clock.sleep(HOLD_S)
            try:
                await self._queue.hold(messages)
            except QueueError as exc:
                self._log.warning("not_held", reason=str(exc))  # at worst they come twice

    def _count(self, message: Message, reason: str) -> None:
        if not reason:
            self.counts.passed += 1
            return
        self.counts.unmapped += 1
        number = self.counts.unmapped
        if number <= _TOLD or number % _TOLD_EVERY == 0:
            self._log.warning(
                "message_unmapped", message=message.id, reason=reason, unmapped=number
            )
