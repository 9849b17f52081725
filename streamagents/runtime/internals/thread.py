"""The consumer's own thread: fetches, seeks and commits, one after the other."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NodeNotReadyError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver

from streamagents.bus.raw import tolerate_header_names
from streamagents.runtime.internals.fetching import include_what_is_taken
from streamagents.runtime.internals.outage import ask_again
from streamagents.runtime.seam import Poll

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from faust.types import TP

_FETCH_WAIT_MS = 100
"""Stock long-polls for 1.5 s, and a partition with records waits for an idle one on its broker."""
_COMMIT_WAIT_S = 5.0
_STOP_S = 5.0


class RecordThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc] # Faust is not typed for us
    """The consumer's own thread: fetches and seeks happen here, one after the other."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        tolerate_header_names()
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for this only under its own exactly_once. Our transactions are our own, and
        # with read_committed the end offset that recovery asks for is the last stable one.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        self.positions: dict[TP, int] = {}
        self.stamps: dict[TP, object] = {}
        self.beat_at = time.monotonic()
        return consumer

    async def on_start(self) -> None:
        """Start the consumer, and take note of its heartbeats from here on."""
        await ask_again(self, self._connect)
        include_what_is_taken(self._ensure_consumer()._fetcher)
        coordinator = self._ensure_consumer()._coordinator
        beat = coordinator._do_heartbeat

        async def noted_beat() -> bool:
            sent_at = time.monotonic()  # the broker counts the session from a later moment
            heard = bool(await beat())
            if heard:
                self.beat_at = sent_at
            return heard

        coordinator._do_heartbeat = noted_beat

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Heartbeat from here on: aiokafka begins when this returns, and a fence may take long.

        A member that is silent for so long is put out of the group, joins again, fences again ...
        """
        self._ensure_consumer()._coordinator._start_heartbeat_task()
        await super().on_partitions_assigned(assigned, generation_id)

    async def _connect(self) -> None:
        try:
            await super().on_start()
            # A broker that has just started may name no brokers yet: aiokafka would go on, and
            # its coordination with the group would end at an assertion, unheard.
            if not self._ensure_consumer()._client.cluster.brokers():
                raise NodeNotReadyError
        except KafkaError:
            await self._stop_consumer()  # the next attempt makes a new one
            raise

    async def on_thread_stop(self) -> None:
        """Stop the consumer within a bound.

        Without a broker aiokafka's stop raises the cancellation of its own tasks, which would end
        this thread's loop half-way, and wait for ever for the rest.
        """
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        await self._stop_consumer()

    def _stopped_set(self) -> None:
        """Say that it has stopped, also when its loop has: in stock a crash ends in a traceback."""
        if self.thread_loop.is_closed():
            self._stopped.set()
        else:
            super()._stopped_set()

    async def _stop_consumer(self) -> None:
        if self._consumer is not None:
            await asyncio.wait([asyncio.ensure_future(self._consumer.stop())], timeout=_STOP_S)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: Any = None, max_records: Any = None
    ) -> dict[TP, Any]:
        records: dict[TP, Any] = await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )
        subscription = consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return records
        # No await from the fetch to here: records and positions belong together.
        polls: dict[TP, Any] = {}
        for tp in map(ensure_TP, active_partitions):
            state = subscription.assignment.state_value(tp)
            if state is None or not state.has_valid_position:
                continue
            got, end = records.get(tp, ()), state.position
            start = self.positions.get(tp, end)
            self.positions[tp] = end
            if end > start:
                polls[tp] = Poll(tp, got, start, end, self.stamps.get(tp))
        return polls

    async def rewind(self, partitions: Iterable[TP]) -> dict[TP, tuple[int, object]]:
        """Seek every partition to its commit, one without a commit to its beginning."""
        consumer = self._ensure_consumer()
        tps = [driver.ensure_aiokafka_TP(tp) for tp in partitions]
        commits = await asyncio.gather(*(consumer.committed(tp) for tp in tps))
        beginnings = await consumer.beginning_offsets(tps) if tps else {}
        sought: dict[TP, tuple[int, object]] = {}
        for tp, commit in zip(tps, commits, strict=True):
            start = max(commit or 0, beginnings[tp])
            consumer.seek(tp, start)
            own, stamp = ensure_TP(tp), object()
            self.positions[own], self.stamps[own] = start, stamp
            sought[own] = (start, stamp)
            if commit is not None and commit < beginnings[tp]:
                self.consumer.app.engine.truncated(own, commit, beginnings[tp])
        return sought

    async def _seek_wait(self, consumer: Any, partitions: Any) -> None:
        for tp, offset in partitions.items():
            self.positions[ensure_TP(tp)] = offset
        await super()._seek_wait(consumer, partitions)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; a failure is tried again at the next interval, stock crashes the worker."""
        try:
            await asyncio.wait_for(
                self._ensure_consumer().commit(
                    {
                        driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "")
                        for tp, offset in offsets.items()
                    }
                ),
                _COMMIT_WAIT_S,
            )
        except CommitFailedError:
            return False  # a rebalance: whoever owns the partitions reads from the last commit
        except (KafkaError, IllegalStateError, TimeoutError) as exc:
            self.log.warning("Offsets were not committed, the next interval tries again: %r", exc)
            return False
        return True

    def rejoin(self) -> None:
        """Give everything back and join the group again."""
        coordinator = self._ensure_consumer()._coordinator
        self.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)
