"""Faust's consumer: explicit seeks, ledger commits, whole polls, transactional changelogs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, Message

from streamagents.errors import StreamAgentsError
from streamagents.runtime.internals.handles import count_received
from streamagents.runtime.internals.outage import RecordProducer, ask_again
from streamagents.runtime.internals.thread import RecordThread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.runtime.seam import Host, Poll

_POLL_WAIT_S = 0.2
_OUTAGE_S = 35.0
"""A broker that is away during recovery is waited for so long; Faust gives a step up after 40 s."""
_QUEUED_POLLS = 4
"""Polls that may wait for a stream before its topic is fetched again."""


class RecordConsumer(driver.Consumer):  # type: ignore[misc] # Faust is not typed for us
    """Faust's consumer, with the runtime's ledgers in place of its acknowledgements."""

    _seek_due = False
    _seek_armed = False
    _highwaters: dict[TP, int]

    @property
    def host(self) -> Host:
        """The runtime's side of the seam."""
        host: Host = self.app.engine
        return host

    @property
    def silent_s(self) -> float:
        """Seconds since the group last heard of this worker."""
        return float(time.monotonic() - self._thread.beat_at)

    def _new_consumer_thread(self) -> RecordThread:
        return RecordThread(self, loop=self.loop, beacon=self.beacon)

    # -- assignment ------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Give everything back while still its owner: drain, commit, forget."""
        self._seek_due = self._seek_armed = False
        await self.host.release()
        await self.commit()  # still a member: what is finished is committed before others begin
        self.host.drop()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Fence earlier owners, then let Faust recover the state."""
        self._seek_due = self._seek_armed = False
        self._highwaters = {}
        self._thread.beat_at = time.monotonic()  # to be assigned something is a sign of life
        # The rule of safety: fence first, then ask how far to recover, then handle. It is done
        # here and not in a step of recovery: one that takes too long ends Faust's recovery
        # silently.
        await self.host.assign({ensure_TP(tp) for tp in assigned})
        await super().on_partitions_assigned(assigned, generation_id)

    async def highwaters(self, *tps: TP) -> Mapping[TP, int]:
        """Ask how far to recover, and remember it for the last check before intake."""
        asked = super().highwaters
        found: Mapping[TP, int] = await ask_again(self, lambda: asked(*tps), limit_s=_OUTAGE_S)
        self._highwaters.update({ensure_TP(tp): offset for tp, offset in found.items()})
        return found

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        """Ask where the changelogs begin."""
        asked = super().earliest_offsets
        found: Mapping[TP, int] = await ask_again(self, lambda: asked(*tps), limit_s=_OUTAGE_S)
        return found

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to where recovery begins to read."""
        asked = super().seek_wait
        await ask_again(self, lambda: asked(partitions), limit_s=_OUTAGE_S)

    async def perform_seek(self) -> None:
        """Faust asks for it at the end of recovery, before it resumes: remember, do it after."""
        self._seek_due = True

    def resume_flow(self) -> None:
        """Faust resumes: a seek that was asked for may be done now."""
        super().resume_flow()
        self._seek_armed, self._seek_due = self._seek_due, False

    async def _seek_sources(self) -> None:
        generation = self.app.consumer_generation_id
        sources = {
            ensure_TP(tp) for tp in self.assignment() if self.app.topics.acks_enabled_for(tp.topic)
        }
        starts = await self._thread.call_thread(self._thread.rewind, sources)
        if not self._seek_armed or generation != self.app.consumer_generation_id:
            return  # a rebalance began meanwhile and brings its own seek
        self._seek_armed = False
        self.host.begin(starts, self._recovered())

    def _recovered(self) -> dict[TP, bool]:
        """By changelog partition: whether all that was stable after the fence has been applied."""
        applied = self.app.tables.recovery.active_offsets
        return {
            tp: (-1 if applied.get(tp) is None else applied[tp]) >= end - 1
            for tp, end in self._highwaters.items()
        }

    # -- fetching --------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch until stopped: polls of sources go whole to their streams, the rest as in stock."""

        def stopping() -> bool:
            return bool(self._stopped.is_set() or fetcher._stopped.is_set())

        try:
            while not stopping():
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                elif self._seek_armed:
                    await self._try_seek()
                else:
                    await self._fetch_once(stopping)
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _try_seek(self) -> None:
        try:
            await self._seek_sources()
        except (KafkaError, IllegalStateError) as exc:
            self.log.warning("Seek failed, trying again: %r", exc)
            await self.sleep(0.2)

    async def _fetch_once(self, stopping: Any) -> None:
        wanted = frozenset(tp for tp in self._get_active_partitions() if self._may_fetch(tp))
        if not wanted:
            await self.sleep(0.02)
            return
        generation = self.app.consumer_generation_id
        fetched = await self._getmany(active_partitions=wanted, timeout=_POLL_WAIT_S)
        if stopping() or not self.flow_active or generation != self.app.consumer_generation_id:
            return  # every resumption comes with a seek, which brings these records again
        missing: dict[TP, int] = {}
        for tp, poll in (fetched or {}).items():
            if not self._is_changelog_tp(tp):
                self._hand_over(poll)
            elif (start := await self._recover(poll)) is not None:
                missing[tp] = start
        if missing:
            self.log.warning("Changelogs were not read without a gap, going back: %r", missing)
            await self.seek_wait(missing)
        await asyncio.sleep(0)

    async def _recover(self, poll: Poll) -> int | None:
        try:
            start: int | None = self.app.tables.recovery.take(poll)
        except StreamAgentsError as exc:
            await self.app.crash(exc)
            return None
        return start

    def _may_fetch(self, tp: TP) -> bool:
        if self._is_changelog_tp(tp):
            return True
        return self.host.wants(tp) and all(
            channel.queue.qsize() < _QUEUED_POLLS
            for channel in self.app.topics._topic_name_index[tp.topic]
        )

    def _hand_over(self, poll: Poll) -> None:
        """Put a whole poll into the queue of the topic's Faust agent."""
        tp, app = poll.tp, self.app
        app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        message = Message(
            topic=tp.topic,
            partition=tp.partition,
            offset=poll.end - 1,
            timestamp=time.time(),
            timestamp_type=0,
            headers=[],
            key=None,
            value=None,
            checksum=None,
            tp=tp,
            # Without it the stream skips the poll in silence.
            generation_id=app.consumer_generation_id,
        )
        for channel in app.topics._topic_name_index[tp.topic]:
            channel.queue.put_nowait(app.create_event(None, poll, {}, message))
        count_received(app.monitor, tp, len(poll.records), poll.end - 1)

    # -- commits ---------------------------------------------------------------------------------

    async def _commit_tps(self, *_: Any, **__: Any) -> bool:
        offsets = self.host.committable()
        if not offsets or not await self._commit(offsets):
            return False  # stock remembers a failed commit as done
        self.host.committed(offsets)
        self.app.monitor.on_tp_commit(offsets)
        return True

    def _filter_tps_with_pending_acks(self, *_: Any) -> list[TP]:
        return []  # the ledgers know

    def end_of(self, topic: str, partition: int) -> int | None:
        """Where a partition ended at its last fetch; None if it was not fetched yet, or is gone."""
        try:
            end: int | None = self.highwater(TP(topic, partition))
        except (AssertionError, IllegalStateError):  # a rebalance has taken it away just now
            return None
        return end

    def rejoin(self) -> None:
        """Give everything back and join the group again."""
        self._thread.rejoin()


class RecordTransport(driver.Transport):  # type: ignore[misc] # Faust is not typed for us
    """Faust's aiokafka transport, with our consumer."""

    Consumer = RecordConsumer
    Producer = RecordProducer
