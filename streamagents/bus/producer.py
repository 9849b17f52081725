"""`KafkaBus`: records outside of any event's group, each acknowledged by the broker."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka

from streamagents.bus.failures import answered, in_our_words
from streamagents.errors import (
    EventTooLargeError,
    InvalidEventError,
    StreamAgentsError,
    TopicsError,
)
from streamagents.ports import Position
from streamagents.topics import MAX_LETTER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from streamagents.ports import Outgoing

_TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)

_NEW_TOPIC_S = 2.0
"""A topic that was just created is not known to every broker at once."""
_METADATA_POLL_S = 0.1
_STOP_S = 1.0


class KafkaBus:
    """The port `Bus` on Kafka: an idempotent producer, `acks=all`.

    `timeout_s` bounds the start as a whole, and each record from the call until the broker's
    acknowledgement; with `patience_s` a record that the driver has taken may wait so long for it.
    An async context manager.
    """

    def __init__(
        self, bootstrap: str, *, timeout_s: float = 10.0, patience_s: float | None = None
    ) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._patience_s = timeout_s if patience_s is None else patience_s
        self._producer: Any = None
        self.is_broken = False
        """A batch failed. Its sequence numbers are missing now, and an idempotent producer would
        be refused whatever comes after them on that partition."""

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerUnavailableError: no broker answered within `timeout_s`.
        """
        self._producer = AIOKafkaProducer(**self._options())
        try:
            async with answered(self._bootstrap, self._timeout_s):
                await self._producer.start()
        except BaseException:  # Ctrl-C included: who did not get in leaves nothing open behind
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    def _options(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._bootstrap,
            "client_id": "streamagents",
            "enable_idempotence": True,
            "acks": "all",
            "max_request_size": MAX_LETTER_BYTES,
            "request_timeout_ms": int(self._timeout_s * 1000),
        }

    async def send(self, record: Outgoing) -> Position:
        """Write one record and wait until the broker has it.

        Raises:
            BrokerUnavailableError: the broker did not acknowledge in time; the record may or may
                not have been kept.
            TopicsError: the topic, or the partition that the record names, does not exist.
            EventTooLargeError: the record does not fit into its topic.
        """
        (position,) = await self.send_all([record])
        return position

    async def send_all(self, records: Iterable[Outgoing]) -> list[Position]:
        """Write records, those of one partition in the order given, and wait for all of them.

        Raises: as `send`, for the first record that failed; the others may have been kept.
        """
        taken: list[tuple[Outgoing, asyncio.Future[Any]]] = []
        give_up = 0.0
        try:
            for record in records:
                give_up = asyncio.get_running_loop().time() + self._patience_s
                taken.append((record, await self._enqueue(record)))
        finally:
            # Also when one was refused: what was taken before it gets its answer.
            await self._settle([ack for _, ack in taken], give_up)
        outcomes = [self._outcome(record, ack) for record, ack in taken]
        for outcome in outcomes:
            if isinstance(outcome, StreamAgentsError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Position)]

    async def is_reachable(self, timeout_s: float) -> bool:
        """Ask the cluster for its metadata; whether it answered in time."""
        with suppress(TimeoutError, kafka.KafkaError):
            async with asyncio.timeout(timeout_s):
                return bool(await self._producer.client.force_metadata_update())
        return False

    async def answered(self) -> None:
        """Wait until the broker has answered for all that was taken; for ever, if it must be."""
        await self._producer.flush()

    async def _enqueue(self, record: Outgoing) -> asyncio.Future[Any]:
        if record.key is None and record.value is None:
            raise InvalidEventError(f"A record for {record.topic} needs a key or a value.")
        async with answered(self._bootstrap, self._timeout_s):
            await self._require(record)
            try:
                ack: asyncio.Future[Any] = await self._producer.send(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
            except _TOO_LARGE as exc:
                raise _too_large(record) from exc
        return ack

    async def _require(self, record: Outgoing) -> None:
        """The driver asks for an unknown topic until its timeout; we say sooner what is missing."""
        client, loop = self._producer.client, asyncio.get_running_loop()
        partitions = client.cluster.partitions_for_topic(record.topic)
        if partitions is None:
            client.add_topic(record.topic)
        give_up = loop.time() + _NEW_TOPIC_S
        while partitions is None:
            answered_now = await client.force_metadata_update()
            partitions = client.cluster.partitions_for_topic(record.topic)
            if partitions is None and answered_now and loop.time() > give_up:
                raise _missing(record.topic)
            if partitions is None:
                await asyncio.sleep(_METADATA_POLL_S)
        if record.partition is not None and record.partition not in partitions:
            raise TopicsError(
                f"The topic {record.topic} has {len(partitions)} partitions, "
                f"none is number {record.partition}."
            )

    async def _settle(self, acks: list[asyncio.Future[Any]], give_up: float) -> None:
        if acks:
            left = max(0.0, give_up - asyncio.get_running_loop().time())
            _, late = await asyncio.wait(acks, timeout=left)
            # The driver goes on trying what it took; nobody waits for these answers any more.
            for ack in late:
                ack.cancel()

    def _outcome(self, record: Outgoing, ack: asyncio.Future[Any]) -> Position | StreamAgentsError:
        error = TimeoutError() if ack.cancelled() else ack.exception()
        if error is None:
            metadata = ack.result()
            return Position(metadata.topic, metadata.partition, metadata.offset)
        self.is_broken = True
        if isinstance(error, _TOO_LARGE):
            return _too_large(record)
        if self._producer.client.cluster.partitions_for_topic(record.topic) is None:
            return _missing(record.topic)  # deleted since: to the driver that is worth a retry
        return in_our_words(error, self._bootstrap, self._patience_s)

    async def _stop(self) -> None:
        """Close. Nothing that a caller still waits for is left by now."""
        try:
            async with asyncio.timeout(_STOP_S):
                await self._producer.flush()
                await self._producer.stop()
        except TimeoutError:
            await _abandon(self._producer)


async def _abandon(producer: Any) -> None:
    """Close a producer that holds what it cannot deliver.

    Its own `stop` would wait for ever: with the broker away, batches of an idempotent producer
    never expire.
    """
    producer._closed = True  # noqa: SLF001 - so that it does not warn of being left open
    sender = producer._sender.sender_task  # noqa: SLF001 - there is no public way
    if sender is not None:
        sender.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_S):
            await producer.client.close()  # ends the requests that the sender waits for
    if sender is not None and not sender.done():
        _, running = await asyncio.wait([sender], timeout=_STOP_S)
        for task in running:
            task.cancel()


def _missing(topic: str) -> TopicsError:
    return TopicsError(f"The topic {topic} does not exist: run `streamagents topics apply`.")


def _too_large(record: Outgoing) -> EventTooLargeError:
    size = len(record.value or b"") + len(record.key or b"")
    return EventTooLargeError(
        f"The record for {record.topic} has {size:,} bytes, more than the topic takes."
    )
