"""An owned partition: state, writer, lanes and the intakes of every topic that shares them.

Topics with the same number of partitions share a state partition, and its one writer: two writers
on one changelog would interleave, and a crash would lose what one of them has open.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.runtime.group import Group
from streamagents.runtime.handling import Handling, Worker
from streamagents.runtime.intake import Intake
from streamagents.runtime.intent import Intent, intent_key
from streamagents.runtime.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Record
    from streamagents.runtime.seam import Poll
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

log = structlog.stdlib.get_logger("streamagents.runtime")

_CANCELLED_S = 2.0
"""What a cancelled agent gets to clean up."""
_WRITE_S = 5.0
"""What the writer gets for its last groups at a release."""


class OwnedPartition:
    """One state partition in one assignment.

    Args:
        partition: its number.
        worker: what the worker's partitions share.
        writer: its writer, not yet fenced.
        store: its state, not yet opened.
        lost: called when it has to be given up.
    """

    def __init__(
        self,
        partition: int,
        *,
        worker: Worker,
        store: Store,
        writer: Writer,
        lost: Callable[[BaseException], None],
    ) -> None:
        self.partition, self.writer = partition, writer
        self._worker, self._store, self._lost = worker, store, lost
        self._intakes: dict[str, Intake] = {}
        self._handling = Handling(worker, store, writer, self._finish)
        self._lanes: Lanes[tuple[Intake, Incoming]] = Lanes(self._handle, self._broken)
        self._open = False

    def begin(
        self,
        db: Any,
        sources: Mapping[str, tuple[Subscription, tuple[int, object]]],
        *,
        inbox: Mapping[str, Mapping[str, Subscription]],
        limit: int,
        partition_of: Partitioner,
    ) -> None:
        """Recovery is complete: open the state, and take in polls from here on.

        Raises:
            NewerFormatError: a newer version wrote the state.
        """
        self._store.open(db)
        for topic, (subscription, start) in sources.items():
            left = Intent.decode(self._store.get(intent_key(topic)))
            self._intakes[topic] = Intake(
                subscription,
                inbox=inbox.get(topic),
                partition=self.partition,
                start=start,
                intent=left.inherited_by(self._worker.process),
                limit=limit,
                partition_of=partition_of,
                settling=self._handling.settling,
                writer=self.writer,
                observer=self._worker.observer,
                push=self._push,
            )
        self._open = True

    def wants(self, topic: str) -> bool:
        """Whether a topic's partition may be fetched now."""
        intake = self._intakes.get(topic)
        return self._open and intake is not None and not intake.full

    def take(self, poll: Poll) -> None:
        """Take a poll of one of the topics."""
        intake = self._intakes.get(poll.tp.topic)
        if self._open and intake is not None and not intake.take(poll):
            self._lost(RuntimeError(f"a poll is missing before {poll.tp} {poll.start}"))

    def positions(self) -> dict[str, int]:
        """By topic: the commit position, where it moved."""
        return {
            topic: intake.ledger.position
            for topic, intake in self._intakes.items()
            if intake.ledger.position > intake.ledger.committed
        }

    def committed(self, topic: str, offset: int) -> None:
        """A position was committed."""
        if topic in self._intakes:
            self._intakes[topic].ledger.committed = offset

    async def release(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Bring what runs to an end and give the rest back.

        Afterwards no agent runs and no write is under way, so nothing can finish behind the next
        owner's back.

        Args:
            grace_s: what running agents get.
            hurry: ends the grace early.
        """
        self._open = False
        self._lanes.close()
        self._handling.releasing = True
        waiting = self._lanes.tasks - self._handling.running
        await _cancel(waiting)
        await _ended(self._lanes.tasks, grace_s, hurry)
        await _cancel(self._lanes.tasks)
        writes = {
            key: value
            for intake in self._intakes.values()
            for key, value in intake.released().items()
        }
        if writes:
            self.writer.add(Group(writes=writes))
        try:
            await asyncio.wait_for(self.writer.drained(), _WRITE_S)
        except TimeoutError:
            log.warning("release_not_written", partition=self.partition)

    async def close(self) -> None:
        """Forget everything: what was not committed will be delivered again."""
        self._open = False
        self._handling.releasing = True
        self._lanes.close()
        for task in self._lanes.tasks:
            task.cancel()
        self._store.close()  # at once, for Faust may want to open it anew
        await self.writer.close()

    # -- between the parts -----------------------------------------------------------------------

    def _push(self, intake: Intake, incoming: Incoming) -> None:
        agent = id(incoming.registration.route.agent)
        # Without a key nothing ties it to another event: a lane of its own.
        own = (incoming.record.topic, incoming.record.offset)
        lane: Hashable = own if incoming.key is None else (agent, incoming.key)
        self._lanes.push(lane, (intake, incoming))

    async def _handle(self, event: tuple[Intake, Incoming]) -> None:
        intake, incoming = event
        await self._handling.handle(incoming, intake.subscription, intake.intent)

    def _finish(self, record: Record) -> None:
        intake = self._intakes.get(record.topic)
        if intake is not None:
            intake.finish(record)

    def _broken(self, error: BaseException) -> None:
        if not self._handling.releasing:
            log.error("lane_broken", partition=self.partition, exc_info=error)
            self._lost(error)


async def _ended(
    tasks: frozenset[asyncio.Task[None]], grace_s: float, hurry: asyncio.Event
) -> None:
    """Wait for the tasks' end, so long as there is grace."""
    if not tasks:
        return
    ended, hurried = asyncio.ensure_future(asyncio.wait(tasks)), asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait({ended, hurried}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        hurried.cancel()


async def _cancel(tasks: frozenset[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CANCELLED_S)
