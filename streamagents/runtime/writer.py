"""The writer: everything a state partition writes, in Kafka transactions with group commit.

What an event's attempt leaves behind (emitted events, letter, state, mark) is a group; groups leave
in order, many to a transaction. One transactional producer a state partition, fenced at every
assignment: of two workers that believe to own a partition only the newer one can write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streamagents.runtime.group import Group, by_partition, cut
from streamagents.runtime.internals import retrieve_transaction_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.runtime.store import Store

MAX_GROUPS = 500
"""Groups in one transaction."""
BATCH_BYTES = 512 << 10
TRANSACTION_TIMEOUT_MS = 60_000
_CLOSE_S = 3.0
_RETRY_S = (0.2, 5.0)

_PERMANENT = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
"""What no repetition mends: the group that caused it is refused, the others go on."""


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
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def fence(self) -> None:
        """Start the producer: what an earlier owner left open is completed or aborted.

        Waits for the broker, however long it is away; cancel it when the assignment ends.
        """
        while self._producer is None:
            producer = AIOKafkaProducer(
                **{
                    **self._settings,
                    "acks": "all",
                    "enable_idempotence": True,
                    "linger_ms": 0,
                    "max_batch_size": BATCH_BYTES,
                    "transactional_id": self._transactional_id,
                    "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
                }
            )
            try:
                await producer.start()
            except (KafkaError, OSError, TimeoutError, AssertionError):
                # A broker that has just started may name no brokers yet: aiokafka asserts that
                # there are some.
                await _stop(producer)
                await asyncio.sleep(_RETRY_S[0])
            except asyncio.CancelledError:
                await _stop(producer)
                raise
            else:
                self._producer = producer

    def add(self, group: Group) -> None:
        """Queue a group. Its state is readable at once, and durable when it says so."""
        if self._closed:
            return
        self._store.buffer(group, group.writes)
        self._queue.append(group)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
            self._flushing.add_done_callback(self._flushed)

    async def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write state and wait until it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            if not done.done():
                done.set_result(None)

        self.add(Group(writes=writes, durable=durable))
        if self._closed:
            raise asyncio.CancelledError
        await done

    async def drained(self) -> None:
        """Wait until every group is durable."""
        while self._flushing is not None and not self._closed:
            await asyncio.wait([self._flushing])
            await asyncio.sleep(0)  # let the callback look for what came meanwhile

    async def close(self) -> None:
        """Write nothing more. What is queued was not committed and will be done again."""
        self._closed = True
        self._queue.clear()
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing], timeout=_CLOSE_S)
        if self._producer is not None:
            await _stop(self._producer)

    # -- the flush loop --------------------------------------------------------------------------

    def _flushed(self, task: asyncio.Task[None]) -> None:
        self._flushing = None
        if task.cancelled() or self._closed:
            return
        if (error := task.exception()) is not None:
            self._give_up(error)
        elif self._queue:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
            self._flushing.add_done_callback(self._flushed)

    def _give_up(self, why: BaseException) -> None:
        """Another epoch exists, or ours is in doubt: never try again under the same id.

        That would fence the rightful owner. The partition is dropped and joined anew.
        """
        self._closed = True
        self._queue.clear()
        self._lost(why)

    async def _flush(self) -> None:
        while self._queue:
            groups = [self._queue.popleft() for _ in range(min(MAX_GROUPS, len(self._queue)))]
            await self._commit_groups(groups)

    async def _commit_groups(self, groups: list[Group]) -> None:
        delay_s = _RETRY_S[0]
        while True:
            try:
                last = await self._transact(groups)
            except ProducerFenced:
                raise
            except (KafkaError, TimeoutError) as exc:
                # An abort that succeeds proves that the epoch is still ours; one that fails ends
                # in _give_up.
                assert self._producer is not None  # noqa: S101 - fence() came first
                await self._producer.abort_transaction()
                if isinstance(exc, _PERMANENT):
                    await self._one_by_one(groups, exc)
                    return
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _RETRY_S[1])
            else:
                self._committed(groups, last)
                return

    async def _one_by_one(self, groups: list[Group], error: KafkaError) -> None:
        if len(groups) > 1:
            for group in groups:
                await self._commit_groups([group])
            return
        if groups[0].refused is None:
            raise error
        self._store.discard(groups[0])
        groups[0].refused(error)

    def _committed(self, groups: list[Group], last: int | None) -> None:
        if self._closed:
            return  # revoked meanwhile: whoever owns the partition reads it from Kafka
        self._store.apply([(group, group.writes) for group in groups], last)
        for group in groups:
            if group.durable is not None:
                group.durable()

    async def _transact(self, groups: list[Group]) -> int | None:
        """Write groups in one transaction; the changelog offset of their last state record."""
        batches = by_partition(groups, (self._changelog, self._partition))
        if not batches:
            return None
        producer = self._producer
        assert producer is not None  # noqa: S101 - fence() came first
        await producer.begin_transaction()
        sends: list[asyncio.Future[Any]] = []
        tail: tuple[asyncio.Future[Any], int] | None = None
        try:
            for (topic, partition), records in batches.items():
                for batch, size in cut(producer, records):
                    sends.append(await producer.send_batch(batch, topic, partition=partition))
                    if topic == self._changelog:
                        tail = (sends[-1], size)
        finally:
            # All settled before commit or abort: none may land behind it.
            results = await asyncio.gather(*sends, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if isinstance(error, ProducerFenced):
                raise error
        if errors:
            raise errors[0]
        await producer.commit_transaction()
        return None if tail is None else tail[0].result().offset + tail[1] - 1


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop a producer within a bound; its failure changes nothing for us."""
    try:
        await asyncio.wait_for(producer.stop(), _CLOSE_S)
    except (KafkaError, OSError, TimeoutError):
        pass
    finally:
        retrieve_transaction_error(producer)
