"""`KafkaGroup`: the port `Queue` on a topic of any Kafka cluster, read as a consumer group."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.helpers import create_ssl_context

from streamagents.bus.failures import in_our_words
from streamagents.bus.raw import tolerate_header_names
from streamagents.errors import QueueError
from streamagents.ports import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import Record

log = structlog.stdlib.get_logger("streamagents.bus")

_POLL_MS = 500
_STOP_S = 5.0
_REFUSED = (
    kafka.AuthenticationFailedError,
    kafka.SaslAuthenticationFailed,
    kafka.UnsupportedSaslMechanismError,
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
)
_MOVED = (kafka.CommitFailedError, kafka.IllegalStateError, kafka.RebalanceInProgressError)
"""Another member has the partition now, and reads what we have not committed."""


class KafkaGroup:
    """Reads what is committed, and commits what is done.

    Args:
        bootstrap: the cluster.
        topic: as it is named there.
        group: of the consumers that share it.
        timeout_s: bounds each answer.
        access: `security_protocol`, `sasl_*` and `ca_file`, as the driver names them.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        group: str,
        *,
        timeout_s: float = 10.0,
        access: dict[str, str] | None = None,
    ) -> None:
        self._bootstrap, self._topic, self._group = bootstrap, topic, group
        self._timeout_s = timeout_s
        self._access = dict(access or {})
        self._consumer: Any = None
        self._next: dict[TopicPartition, int] = {}
        """By partition, what would follow on what was received."""

    async def receive(self, limit: int) -> Sequence[Message]:
        """The next records, in order of each partition; none after half a second."""
        try:
            consumer = self._consumer or await self._join()
            polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=limit)
            for partition, records in polled.items():
                await self._see_to_gap(partition, records[0].offset)
                self._next[partition] = records[-1].offset + 1
        except (OSError, kafka.KafkaError) as exc:
            raise self._fault(exc) from exc
        return [_message(record) for records in polled.values() for record in records]

    async def hold(self, messages: Sequence[Message]) -> None:
        """The driver's heartbeats keep the partitions, however long we take."""

    async def done(self, messages: Sequence[Message]) -> None:
        """Commit behind the last of each partition, where the partition is still ours."""
        ends: dict[TopicPartition, int] = {}
        for message in messages:
            partition, offset = message.token
            ends[partition] = max(offset + 1, ends.get(partition, 0))
        if self._consumer is None:
            raise QueueError(f"The connection to the topic {self._topic} was lost.")
        ours = self._consumer.assignment()
        ends = {tp: end for tp, end in ends.items() if tp in ours}
        if not ends:  # the driver calls it a mistake to commit nothing
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._consumer.commit(ends)
        except _MOVED:
            log.info("partitions_moved", topic=self._topic, group=self._group)
        except (OSError, kafka.KafkaError) as exc:
            raise self._fault(exc) from exc

    async def close(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        self._next.clear()
        if consumer is not None:
            await _stop(consumer)

    async def _see_to_gap(self, partition: TopicPartition, offset: int) -> None:
        """Tell of records that were deleted before anybody read them; other gaps mean nothing."""
        if offset <= self._next.get(partition, -1):
            return
        committed = await self._consumer.committed(partition)
        first = max(self._next.get(partition, 0), committed or 0)
        if offset > first and (committed is not None or partition in self._next):
            begins = (await self._consumer.beginning_offsets([partition]))[partition]
            if begins > first:
                log.warning(
                    "records_deleted",
                    topic=partition.topic,
                    partition=partition.partition,
                    first=first,
                    last=min(begins, offset) - 1,
                )

    async def _join(self) -> Any:
        consumer = await self._made()
        try:
            async with asyncio.timeout(self._timeout_s):
                await consumer.start()
                topics = await consumer.topics()
        except BaseException:  # Ctrl-C included: who did not get in leaves nothing open behind
            await _stop(consumer)
            raise
        if self._topic not in topics:
            await _stop(consumer)
            raise QueueError(
                f"There is no topic {self._topic} at {self._bootstrap}, or we may not see it.",
                lasting=True,
            )
        # Only now: a broker that makes topics by itself would have made this one.
        consumer.subscribe([self._topic])
        self._consumer = consumer
        return consumer

    async def _made(self) -> Any:
        tolerate_header_names()  # one record would hold up all behind it, for ever
        access = dict(self._access)
        authority = access.pop("ca_file", None)
        context = None
        if access.get("security_protocol", "").endswith("SSL"):
            context = await asyncio.to_thread(_trusting, authority)
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="streamagents-bridge",
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=int(self._timeout_s * 1000),
            metadata_max_age_ms=30_000,
            # To wait for our own broker is no death: stock leaves the group after five minutes.
            max_poll_interval_ms=1_000_000_000,
            rebalance_timeout_ms=60_000,
            ssl_context=context,
            **access,
        )

    def _fault(self, exc: BaseException) -> QueueError:
        words = in_our_words(exc, self._bootstrap, self._timeout_s)
        return QueueError(str(words), lasting=isinstance(exc, _REFUSED))


def _message(record: Record) -> Message:
    return Message(
        # A topic that was deleted and made anew counts from 0 again: the same place, at another
        # time, is another message.
        id=f"{record.topic}:{record.partition}:{record.offset}@{record.timestamp}",
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        token=(TopicPartition(record.topic, record.partition), record.offset),
    )


def _trusting(authority: str | None) -> Any:
    try:
        return create_ssl_context(cafile=authority)
    except OSError as exc:  # ssl.SSLError, too, where the file holds no certificates
        raise QueueError(
            f"The certificates in {authority} cannot be read: {exc.strerror or 'they are none'}.",
            lasting=True,
        ) from exc


async def _stop(consumer: Any) -> None:
    try:
        async with asyncio.timeout(_STOP_S):
            await consumer.stop()
    except (TimeoutError, kafka.KafkaError) as exc:
        log.info("left_without_goodbye", reason=type(exc).__name__)
