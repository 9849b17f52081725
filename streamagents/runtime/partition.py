"""An owned partition: state, writer, lanes and the intakes of every topic that shares them.

Topics with the same number of partitions share a state partition, and its one writer: two writers
on one changelog would interleave, and a crash would lose what one of them has open.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.pipeline.stored import StoredRecord
from streamagents.runtime.grace import cancel, ended
from streamagents.runtime.group import Group
from streamagents.runtime.handling import Handling
from streamagents.runtime.intake import IN_LINE, SLICE_S, Intake
from streamagents.runtime.intent import Intent, intent_key
from streamagents.runtime.lane import lane_of
from streamagents.runtime.lanes import Lanes
from streamagents.runtime.progress import Progress
from streamagents.runtime.reception import Reception, Source
from streamagents.runtime.settling import Settling
from streamagents.runtime.shown import Window
from streamagents.runtime.sweep import Sweep
from streamagents.runtime.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from streamagents.pipeline.expiry import Lifetime
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Record
    from streamagents.runtime.lanes import Rest
    from streamagents.runtime.seam import Poll
    from streamagents.runtime.shared import Worker
    from streamagents.runtime.shown import Shown
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

log = structlog.stdlib.get_logger("streamagents.runtime")

_WRITE_S = 5.0
"""What the writer gets for its last groups at a release."""
_FRESH = Intent()
"""Of an event that came out of the state: whoever had it in hand has marked it."""


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
        self.partition, self.store, self.writer = partition, store, writer
        self._worker, self._lost = worker, lost
        self._intakes: dict[str, Intake] = {}
        self._receptions: dict[str, Reception] = {}
        self._agents: dict[str, str | None] = {}
        self._settling = Settling(
            process=worker.process,
            group=worker.group,
            clock=worker.clock,
            observer=worker.observer,
            answers=worker.answers,
            store=store,
            writer=writer,
            finish=self._finish,
        )
        self._waiting = Waiting(
            store,
            self._settling,
            clock=worker.clock,
            observer=worker.observer,
            receptions=self._receptions,
            takes=self._takes,
        )
        self._handling = Handling(worker, self._settling, self._waiting.park)
        self._lanes: Lanes[Incoming | bytes] = Lanes(self._begin, self._broken)
        self._window = Window(
            partition,
            worker=worker,
            store=store,
            waiting=self._waiting,
            handling=self._handling,
            lanes=self._lanes,
            intakes=self._intakes,
            agents=self._agents,
        )
        self._sweep: Sweep | None = None
        self._open = self._dropped = False
        self._waking = False  # more parked lanes are due than there was time for
        self._progress = Progress(partition, worker.clock, worker.stuck_after_s)

    def begin(
        self,
        db: Any,
        sources: Mapping[str, tuple[Source, tuple[int, object]]],
        *,
        limit: int,
        lifetimes: Mapping[str, Lifetime],
    ) -> None:
        """Recovery is complete: open the state, and take in polls from here on.

        Args:
            db: the partition's RocksDB.
            sources: by topic, how it is judged and where it was sought.
            limit: events of one source delivered and not finished.
            lifetimes: by topic, how long its marks live.

        Raises:
            NewerFormatError: a newer version wrote the state.
        """
        self.store.open(db)
        for topic, (source, start) in sources.items():
            self._receptions[topic] = self._reception(source)
            self._agents[topic] = source.agent
            left = Intent.decode(self.store.get(intent_key(topic)))
            self._intakes[topic] = Intake(
                source.subscription,
                start=start,
                intent=left.inherited_by(self._worker.process),
                limit=limit,
                writer=self.writer,
                observer=self._worker.observer,
                receive=self._receptions[topic].receive,
                most=self._most(source, limit),
                room=self._room(source),
                clock=self._worker.clock,
                again=lambda: self._worker.gate.on_room(),  # noqa: PLW0108 - it is set later
                whose=source.whose,
            )
        self._waiting.read()
        self._sweep = Sweep(self.store, self.writer, lifetimes, self._caught_up)
        self._open = True

    def _reception(self, source: Source) -> Reception:
        return Reception(
            source,
            clock=self._worker.clock,
            settling=self._settling,
            writer=self.writer,
            finish=self._finish,
            push=self._push,
            delay=self._waiting.delay,
            observer=self._worker.observer,
        )

    @property
    def begun(self) -> bool:
        """Whether its state is recovered and it takes events in."""
        return self._open

    def wants(self, topic: str) -> bool:
        """Whether a topic's partition may be fetched now."""
        intake = self._intakes.get(topic)
        if not self._open or intake is None or intake.full or self._waiting.full:
            return False
        return self._takes(topic)

    def _room(self, source: Source) -> Callable[[], bool]:
        """Of a topic that leads to several agents nobody waits outside: one must not bar others."""
        if source.agent is None:
            return lambda: True
        return partial(self._worker.gate.has_room, source.subscription.registration)

    def _most(self, source: Source, limit: int) -> int:
        """Events of a topic in hand; slots count only those that have got as far as their agent."""
        if source.agent is None:
            return limit
        return self._worker.gate.limit_of(source.subscription.registration) + IN_LINE

    def admit(self) -> None:
        """Let events begin for which there was no room, or no time."""
        if not self._open:
            return
        if self._waking:
            self._wake()
        waiting = [intake for intake in self._intakes.values() if intake.waits]
        if len(waiting) > 1:
            random.shuffle(waiting)  # who shares an agent, shares its turns
        for intake in waiting:
            intake.admit()

    def _takes(self, topic: str) -> bool:
        """Whether a topic is ours, and its agent is not held back."""
        if topic not in self._agents:
            return False
        agent = self._agents[topic]
        return agent is None or not self._worker.pauses.held(agent)

    def take(self, poll: Poll) -> None:
        """Take a poll of one of the topics."""
        intake = self._intakes.get(poll.tp.topic)
        if self._open and intake is not None and not intake.take(poll):
            self._lost(RuntimeError(f"a poll is missing before {poll.tp} {poll.start}"))

    def tick(self) -> None:
        """Let what has waited long enough run; forget a few of the marks that have expired."""
        if not self._open:
            return
        self._wake()
        for record in self._waiting.load():
            self._receptions[record.topic].receive(record)
        if self._sweep is not None:
            self._sweep.slice(self._worker.clock.now().timestamp())
        self.admit()  # a pause may be over
        running = len(self._handling.running)
        self._progress.look(self._intakes.values(), running=running, takes=self._takes)

    def _wake(self) -> None:
        """Let parked lanes run whose time has come. Thousands may have been parked at once."""
        monotonic = self._worker.clock.monotonic
        self._waking, over_at = False, monotonic() + SLICE_S
        for lane, incoming in self._waiting.due():
            self._lanes.push(lane_of(incoming), lane)
            if monotonic() > over_at:
                self._waking = True
                self._worker.gate.on_room()  # for another turn of `admit`
                return

    def purged(self, key: bytes, replay: int) -> int:
        """An event's letter was purged: its steps go. How many."""
        return 0 if self._sweep is None or not self._open else self._sweep.purged(key, replay)

    def show(self, shown: Shown) -> None:
        """Add what is here."""
        if self._open:
            self._window.look(shown)

    def _caught_up(self, topic: str) -> bool:
        """Whether everything that lies in a topic's partition has been delivered."""
        intake, end = self._intakes.get(topic), self._worker.end_of(topic, self.partition)
        return intake is not None and end is not None and intake.ledger.next >= end

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
        await cancel(waiting)
        await ended(self._lanes.tasks, grace_s, hurry)
        await cancel(self._lanes.tasks)
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

    def drop(self) -> None:
        """Forget everything, at once: what was not committed will be delivered again.

        In this order, and without a pause: RocksDB is about to be closed, and perhaps opened anew,
        and a writer that goes on flushing must find out before its store is gone.
        """
        if self._dropped:
            return
        self._dropped = True
        self._open = False
        self._handling.releasing = self._handling.dropped = True
        for intake in self._intakes.values():
            intake.drop()
        self._lanes.close()
        for task in self._lanes.tasks:
            task.cancel()
        self.writer.drop()
        self.store.close()

    async def close(self) -> None:
        """Forget everything, and end the writer."""
        self.drop()
        await self.writer.close()

    # -- between the parts -----------------------------------------------------------------------

    def _push(self, incoming: Incoming) -> None:
        self._lanes.push(lane_of(incoming), incoming)

    def _begin(self, event: Incoming | bytes) -> Rest | None:
        if isinstance(event, bytes):
            return self._waiting.run(event, partial(self._lanes.go_on, self._begin_with))
        if self._waiting.parked and self._waiting.behind(event):
            return None
        return self._begin_with(event)

    def _begin_with(self, incoming: Incoming) -> Coroutine[Any, Any, bool] | None:
        record = incoming.record
        intake = self._intakes[record.topic]
        intent = _FRESH if isinstance(record, StoredRecord) else intake.intent
        return self._handling.begin(incoming, intake.subscription, intent)

    def _finish(self, record: Record) -> None:
        if isinstance(record, StoredRecord):
            self._waiting.finished(record)
            return
        intake = self._intakes.get(record.topic)
        if intake is not None:
            intake.finish(record)

    def _broken(self, error: BaseException) -> None:
        if not self._handling.releasing:
            log.error("lane_broken", partition=self.partition, exc_info=error)
            self._lost(error)
