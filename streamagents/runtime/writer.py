"""The writer: everything a state partition writes, in Kafka transactions with group commit.

What an event's attempt leaves behind (emitted events, letter, state, mark) is a group; groups leave
in order, many to a transaction. One transactional producer a state partition, fenced at every
assignment: of two workers that believe to own a partition only the newer one can write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced

from streamagents.errors import describe
from streamagents.runtime.group import Group, by_partition
from streamagents.runtime.transaction import (
    CLOSE_S,
    PERMANENT,
    start_producer,
    stop_producer,
    transact,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiokafka import AIOKafkaProducer

    from streamagents.runtime.store import Store

log = structlog.stdlib.get_logger("streamagents.runtime")

MAX_WRITES = 1000
"""Records in one transaction, save what the last group brings."""
MAX_BYTES = 16 << 20
"""Bytes in one transaction: it has to be over long before its timeout."""
_COMPANY_S = 0.01
"""What a transaction waits for company: it costs about the same for one group and for hundreds."""
_RETRY_S = (0.2, 5.0)


class Writer:
    """Writes the groups of one state partition.

    Args:
        store: the partition's state.
        changelog: topic of the state's changelog.
        partition: number of the state partition.
        transactional_id: the id whose earlier owner is fenced.
        settings: how to connect, as aiokafka's producer takes it.
        lost: called when another owner has fenced us; nothing is written any more.
    """

    def __init__(
        self,
        store: Store,
        *,
        changelog: str,
        partition: int,
        transactional_id: str,
        settings: Mapping[str, Any],
        lost: Callable[[BaseException], None],
    ) -> None:
        self._store, self._changelog, self._partition = store, changelog, partition
        self._transactional_id, self._settings, self._lost = transactional_id, settings, lost
        self._producer: AIOKafkaProducer | None = None
        self._queue: deque[Group] = deque()
        self._queued = 0  # records in it
        self._tail_bytes = 0  # of its last group, roughly
        self._hurry = asyncio.Event()
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self._context = copy_context()

    async def fence(self) -> None:
        """Start the producer: what an earlier owner left open is completed or aborted.

        Waits for the broker, however long it is away; cancel it when the assignment ends.
        """
        self._producer = await start_producer(self._settings, self._transactional_id)

    def add(self, group: Group) -> None:
        """Queue a group. Its state is readable at once, and durable when it says so."""
        if self._closed:
            return
        self._store.buffer(group, group.writes)
        self._queue.append(group)
        self._queued += group.count
        self._tail_bytes = group.size
        if group.awaited:
            self._hurry.set()
        if self._flushing is None:
            self._begin_flush()

    def grow(self, group: Group, key: bytes, value: bytes) -> bool:
        """Let a group write this, too; False if that would not keep the order, or it is full.

        It keeps the order while nothing else was queued behind the group, and it has not left.
        """
        queue = self._queue
        if not queue or queue[-1] is not group:
            return False
        if len(group.writes) >= MAX_WRITES or self._tail_bytes >= MAX_BYTES:
            return False
        self._tail_bytes += len(value)
        group.writes[key] = value
        self._queued += 1
        self._store.buffer_one(group, key, value)
        return True

    async def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write state and wait until it is durable.

        Raises:
            KafkaError: it can never be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            if not done.done():
                done.set_result(None)

        def refused(error: BaseException) -> None:
            if not done.done():
                done.set_exception(error)

        self.add(Group(dict(writes), durable=durable, refused=refused, awaited=True))
        if self._closed:
            raise asyncio.CancelledError
        await done

    async def drained(self) -> None:
        """Wait until every group is durable."""
        while self._flushing is not None and not self._closed:
            self._hurry.set()
            await asyncio.wait([self._flushing])
            await asyncio.sleep(0)  # let the callback look for what came meanwhile

    def drop(self) -> None:
        """Write nothing more. What is queued was not committed and will be done again.

        A transaction that is under way may still be committed, but the store is not touched again.
        """
        self._closed = True
        self._clear()

    async def close(self) -> None:
        """Write nothing more, and wait until nothing of ours can reach the broker any more."""
        self.drop()
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing], timeout=CLOSE_S)
        if self._producer is not None:
            await stop_producer(self._producer)

    def _clear(self) -> None:
        self._queue.clear()
        self._queued = 0

    # -- the flush loop --------------------------------------------------------------------------

    def _flushed(self, task: asyncio.Task[None]) -> None:
        self._flushing = None
        if task.cancelled() or self._closed:
            return
        if (error := task.exception()) is not None:
            self._give_up(error)
        elif self._queue:
            self._begin_flush()

    def _begin_flush(self) -> None:
        # In our own context: whoever adds the first group passes nothing on to those behind it.
        loop = asyncio.get_running_loop()
        self._flushing = loop.create_task(self._flush(), context=self._context)
        self._flushing.add_done_callback(self._flushed)

    def _give_up(self, why: BaseException) -> None:
        """Another epoch exists, or ours is in doubt: never try again under the same id.

        That would fence the rightful owner. The partition is dropped and joined anew.
        """
        self.drop()
        self._lost(why)

    async def _flush(self) -> None:
        while self._queue:
            if self._queued < MAX_WRITES and not self._hurry.is_set():
                await self._company()
            if groups := self._next():  # dropped meanwhile, there is nothing left
                await self._commit_groups(groups)

    async def _company(self) -> None:
        over = asyncio.get_running_loop().call_later(_COMPANY_S, self._hurry.set)
        try:
            await self._hurry.wait()
        finally:
            over.cancel()

    def _next(self) -> list[Group]:
        """The groups of the next transaction."""
        groups: list[Group] = []
        count = size = 0
        while self._queue and count < MAX_WRITES and size < MAX_BYTES:
            group = self._queue.popleft()
            groups.append(group)
            count += group.count
            size += group.size
        self._queued -= count
        if not self._queue:
            self._hurry.clear()
        return groups

    async def _commit_groups(self, groups: list[Group]) -> None:
        delay_s = _RETRY_S[0]
        while True:
            try:
                last = await self._transact(groups)
            except (ProducerFenced, OutOfOrderSequenceNumber):
                raise  # the epoch, or what it has written, is in doubt
            except (KafkaError, TimeoutError) as exc:
                # An abort that succeeds proves that the epoch is still ours; one that fails ends
                # in _give_up.
                await self._abort(exc)
                if isinstance(exc, PERMANENT):
                    if len(groups) > 1:
                        for group in groups:
                            await self._commit_groups([group])
                        return
                    if groups[0].refused is not None:
                        await self._refuse(groups[0], exc)
                        return
                    self._tell(groups[0], exc)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _RETRY_S[1])
            else:
                self._committed(groups, last)
                return

    async def _transact(self, groups: list[Group]) -> int | None:
        batches = by_partition(groups, (self._changelog, self._partition))
        if not batches:
            return None
        assert self._producer is not None  # noqa: S101 - fence() came first
        return await transact(self._producer, batches, self._changelog)

    async def _abort(self, error: BaseException) -> None:
        assert self._producer is not None  # noqa: S101 - fence() came first
        try:
            await self._producer.abort_transaction()
        except AssertionError:  # the driver has given this producer up: there is no abort
            raise error.__cause__ or error from None

    async def _refuse(self, group: Group, error: KafkaError) -> None:
        """A group can never be written: whoever made it decides what is written in its place.

        Where others have read what it would have changed, they are done again, from what is
        durable: the partition is given up behind the group that takes its place.
        """
        assert group.refused is not None  # noqa: S101 - the caller has looked
        if group.binding:
            self._clear()
        self._store.discard(group)
        group.refused(error)
        if group.binding:
            await self._commit_groups(self._next())
            raise error

    def _tell(self, group: Group, error: KafkaError) -> None:
        """A letter, or our own state, cannot be written: it is tried until somebody mends that."""
        topics = {record.topic for record in group.records} | {self._changelog}
        log.error(
            "cannot_write",
            topics=sorted(topics),
            partition=self._partition,
            reason=describe(error),
            help="the partition stands still: run `streamagents topics apply`",
        )

    def _committed(self, groups: list[Group], last: int | None) -> None:
        if self._closed:
            return  # revoked meanwhile: whoever owns the partition reads it from Kafka
        self._store.apply([(group, group.writes) for group in groups], last)
        for group in groups:
            if group.durable is not None:
                group.durable()
