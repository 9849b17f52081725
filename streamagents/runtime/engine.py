"""The engine: all partitions that this worker owns, from assignment to release.

The consumer's host: it is told what is assigned, hands over polls, asks what may be fetched and
committed. Everything here happens on the worker's one event loop.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from faust.types import TP

from streamagents.errors import StreamAgentsError, TopicsError
from streamagents.runtime.internals import open_store, producer_settings
from streamagents.runtime.partition import OwnedPartition
from streamagents.runtime.shown import Shown
from streamagents.runtime.store import Store
from streamagents.runtime.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from streamagents.pipeline.expiry import Lifetime
    from streamagents.runtime.reception import Source
    from streamagents.runtime.seam import Poll
    from streamagents.runtime.shared import Worker

log = structlog.stdlib.get_logger("streamagents.runtime")

StatePartition = tuple[int, int]
"""A state table, by its number of partitions, and one of these."""

_LOOK_S = 0.5
_TICK_S = 0.25
"""What waits is late by at most this and its write; a clock that was set is noticed."""
_REFILL_S = 0.02
"""What partitions may take to begin with events before the loop goes round."""
_REJOIN_S = 1.0
"""Between giving a partition up and joining again: a cause that stays must not spin."""


class Engine:
    """Owns partitions.

    Args:
        app: the Faust app.
        sources: by topic as on the broker.
        worker: what the partitions share.
        tables: the state tables by number of partitions.
        limit: events of one source partition delivered and not finished.
        release_s: what running agents get at a rebalance.
    """

    def __init__(
        self,
        app: Any,
        *,
        sources: Mapping[str, Source],
        worker: Worker,
        tables: Mapping[int, Any],
        limit: int,
        release_s: float,
    ) -> None:
        self._app, self._sources = app, sources
        self._worker, self._tables = worker, tables
        self._limit, self._release_s = limit, release_s
        self.lifetimes: Mapping[str, Lifetime] = {}
        """By topic, how long seen ids live; known when the broker has been asked."""
        self._owned: dict[StatePartition, OwnedPartition] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._hurry = asyncio.Event()
        self._refilling = False
        self.begun = False
        """Whether the state is there, and intake has begun, also where nothing was assigned."""
        self.assignments = 0
        """How often it has begun."""
        self.on_truncated: Callable[[str, int], None] = lambda _topic, _records: None
        """Called with how many records of a topic were deleted before they were read."""
        worker.gate.on_room = self._refill_soon

    # -- assignment ------------------------------------------------------------------------------

    async def assign(self, partitions: set[TP]) -> None:
        """Take ownership of the state behind the assigned sources, and fence who had it."""
        self.drop()
        self.begun = False
        for tp in partitions:
            source = self._sources.get(tp.topic)
            if source is not None:
                state = (source.subscription.partitions, tp.partition)
                if tp.partition >= source.subscription.partitions:
                    self._spawn(self._app.crash(_grown(tp, source)))
                    return
                if state not in self._owned:
                    self._owned[state] = self._new(state)
        fences = [self._spawn(owned.writer.fence()) for owned in self._owned.values()]
        # Bounded by the broker's return and by our own end: without the fence nothing may begin.
        while fences and not self._app.should_stop:
            done, waiting = await asyncio.wait(fences, timeout=_LOOK_S)
            for fence in done:
                fence.result()
            fences = list(waiting)

    def _new(self, state: StatePartition) -> OwnedPartition:
        count, partition = state
        store = Store()

        def lost(why: BaseException) -> None:
            self._lose(state, why)

        writer = Writer(
            store,
            changelog=self._tables[count].changelog_topic_name,
            partition=partition,
            transactional_id=f"{self._app.conf.id}-p{count}-{partition}",
            settings=producer_settings(self._app),
            lost=lost,
        )
        return OwnedPartition(partition, worker=self._worker, store=store, writer=writer, lost=lost)

    def begin(self, starts: Mapping[TP, tuple[int, object]], applied: Mapping[TP, bool]) -> None:
        """Recovery is complete and the sources are sought: intake begins."""
        for state, owned in list(self._owned.items()):
            count, partition = state
            table = self._tables[count]
            if not applied.get(TP(table.changelog_topic_name, partition)):
                self._lose(state, RuntimeError("the changelog was not read to its stable end"))
                continue
            sources = {
                tp.topic: (self._sources[tp.topic], start)
                for tp, start in starts.items()
                if tp.partition == partition
                and self._sources[tp.topic].subscription.partitions == count
            }
            try:
                owned.begin(
                    open_store(table, partition),
                    sources,
                    limit=self._limit,
                    lifetimes=self.lifetimes,
                )
                self._worker.till.open(state, owned.store, owned.writer)
            except StreamAgentsError as exc:  # a newer version wrote the state
                self._lose(state, exc)
        self.begun = True
        self.assignments += 1
        log.info("intake_begins", partitions=sorted(self._owned))

    async def release(self) -> None:
        """A rebalance: running agents get a bounded while, then everything is given back."""
        await self._release(self._release_s)

    async def shut_down(self, grace_s: float) -> None:
        """SIGTERM: the same with the shutdown's grace, then the last commit."""
        await self._release(grace_s)

    def hurry(self) -> None:
        """Whatever grace is under way is over."""
        self._hurry.set()

    async def _release(self, grace_s: float) -> None:
        releases = (owned.release(grace_s, self._hurry) for owned in self._owned.values())
        await asyncio.gather(*releases)

    def drop(self) -> None:
        """Forget the assignment: from here on only Faust's tables hold its RocksDBs."""
        owned, self._owned = self._owned, {}
        for state, partition in owned.items():
            self._let_go(state, partition)

    def truncated(self, tp: TP, committed: int, beginning: int) -> None:
        """Records were deleted before they were read."""
        log.warning(
            "events_truncated",
            topic=tp.topic,
            partition=tp.partition,
            first=committed,
            last=beginning - 1,
        )
        self.on_truncated(tp.topic, beginning - committed)

    # -- time ------------------------------------------------------------------------------------

    def start_ticking(self) -> None:
        """Look at the time from here on, until the worker stops."""
        self._spawn(self._tick())

    async def _tick(self) -> None:
        while not self._app.should_stop:
            self._worker.pauses.tick()
            for state, owned in list(self._owned.items()):
                self._care_for(state, owned.tick)
            await asyncio.sleep(_TICK_S)

    def _care_for(self, state: StatePartition, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as exc:  # a defect costs the partition, not time itself
            log.exception("partition_failed", partition=state)
            self._lose(state, exc)

    def purged(self, topic: str, key: bytes, replay: int) -> int:
        """A letter of a topic's event was purged: its steps go, if they are here. How many."""
        source = self._sources.get(topic)
        count = None if source is None else source.subscription.partitions
        mine = [owned for (number, _), owned in self._owned.items() if number == count]
        return sum(owned.purged(key, replay) for owned in mine)

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def worker(self) -> Worker:
        """What the partitions share."""
        return self._worker

    def show(self) -> Shown:
        """What the worker's partitions show of themselves."""
        shown = Shown()
        for state, owned in list(self._owned.items()):
            self._care_for(state, partial(owned.show, shown))
        return shown

    # -- between assignments ---------------------------------------------------------------------

    def owns(self, tp: TP) -> bool:
        """Whether a source partition is ours, its state recovered, and the group thinks so, too."""
        owned = self._of(tp)
        return owned is not None and owned.begun and self._worker.alive()

    def wants(self, tp: TP) -> bool:
        """Whether a source partition may be fetched now."""
        owned = self._of(tp)
        return owned is not None and owned.wants(tp.topic)

    def take(self, poll: Poll) -> None:
        """Take a poll; called by the topic's Faust agent."""
        source = self._sources.get(poll.tp.topic)
        owned = self._of(poll.tp)
        if source is not None and owned is not None:
            state = (source.subscription.partitions, poll.tp.partition)
            self._care_for(state, partial(owned.take, poll))

    def committable(self) -> dict[TP, int]:
        """By source partition: up to where everything is finished, durably, where that moved."""
        return {
            TP(topic, partition): offset
            for (_, partition), owned in self._owned.items()
            for topic, offset in owned.positions().items()
        }

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """Offsets were committed."""
        for tp, offset in offsets.items():
            owned = self._of(tp)
            if owned is not None:
                owned.committed(tp.topic, offset)

    def _refill_soon(self) -> None:
        """Agents have room again; whatever else ends in this turn of the loop, counts, too."""
        if not self._refilling:
            self._refilling = True
            asyncio.get_running_loop().call_soon(self._refill)

    def _refill(self) -> None:
        self._refilling = False
        owned = list(self._owned.items())
        first = random.randrange(len(owned) or 1)
        over_at = self._worker.clock.monotonic() + _REFILL_S
        for state, partition in owned[first:] + owned[:first]:
            self._care_for(state, partition.admit)
            if self._worker.clock.monotonic() > over_at:
                self._refill_soon()
                return

    # -- the end of a partition ------------------------------------------------------------------

    def _lose(self, state: StatePartition, why: BaseException) -> None:
        """Another owner exists, or ours is in doubt: write nothing more, join again."""
        owned = self._owned.pop(state, None)
        if owned is None:
            return
        log.warning("partition_lost", state=state, reason=repr(why))
        self._let_go(state, owned)
        if isinstance(why, StreamAgentsError):
            self._spawn(self._app.crash(why))  # it would come back for ever
        else:
            self._spawn(self._rejoin())

    def _let_go(self, state: StatePartition, owned: OwnedPartition) -> None:
        self._worker.till.close(state)
        owned.drop()  # not in the task: Faust may close and open its RocksDB before that begins
        self._spawn(owned.close())

    async def _rejoin(self) -> None:
        await asyncio.sleep(_REJOIN_S)
        if not self._app.should_stop:
            self._app.consumer.rejoin()

    def _of(self, tp: TP) -> OwnedPartition | None:
        source = self._sources.get(tp.topic)
        if source is None:
            return None
        return self._owned.get((source.subscription.partitions, tp.partition))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("task_failed", exc_info=task.exception())


def _grown(tp: TP, source: Source) -> TopicsError:
    return TopicsError(
        f"{tp.topic} has got a partition {tp.partition}, the application knows "
        f"{source.subscription.partitions} partitions. Events of one key, and their state, may lie "
        "apart now: stop all workers, see what came in meanwhile, and declare the new number."
    )
