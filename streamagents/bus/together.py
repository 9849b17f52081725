"""`KafkaTogether`: records that are all there or not at all, each batch a transaction."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.structs import OffsetAndMetadata

from streamagents.bus.failures import answered
from streamagents.bus.producer import KafkaBus
from streamagents.bus.raw import RawBatch, has_raw_names, raw_names
from streamagents.errors import BrokerUnavailableError, InvalidEventError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.ports import Outgoing

_HELD_MS = 10_000
"""Readers of committed records stand before an open transaction. One that was left behind by a kill
is aborted by the broker after this time, and no more than ten seconds later."""
_ABORT_S = 3.0


class KafkaTogether(KafkaBus):
    """The port `Together` on Kafka. `timeout_s` bounds the start, and each batch as a whole.

    Under an id of its own: two of them do not know each other. An async context manager.
    """

    def _options(self) -> dict[str, Any]:
        return {
            **super()._options(),
            "transactional_id": f"streamagents-{uuid.uuid4()}",
            "transaction_timeout_ms": _HELD_MS,
        }

    async def send_together(
        self,
        records: Sequence[Outgoing],
        *,
        commits: Mapping[tuple[str, int], int] | None = None,
        group: str = "",
        notes: Mapping[tuple[str, int], str] | None = None,
    ) -> None:
        """Write them and wait until they are committed, with a group's positions if given.

        `notes` are kept by Kafka beside these positions, until others are committed.

        Raises:
            BrokerUnavailableError: the broker did not acknowledge in time; all of them may have
                been kept, or none.
            EventTooLargeError: one of them does not fit; none was kept.
            TopicsError: a topic does not exist; none was kept.
        """
        try:
            async with answered(self._bootstrap, self._timeout_s):
                await self._producer.begin_transaction()
                await self.send_all(records)
                if commits:
                    noted = notes or {}
                    offsets = {
                        TopicPartition(*at): OffsetAndMetadata(offset, noted.get(at, ""))
                        for at, offset in commits.items()
                    }
                    await self._producer.send_offsets_to_transaction(offsets, group)
                await self._producer.commit_transaction()
        except BaseException:  # Ctrl-C included: nothing stays open that could be closed
            await self._abort()
            raise

    async def _enqueue(self, record: Outgoing) -> asyncio.Future[Any]:
        headers = raw_names(record.headers)
        if not has_raw_names(headers):
            return await super()._enqueue(record)
        if record.partition is None:
            raise InvalidEventError(
                f"A record for {record.topic} has a header whose name is no UTF-8: it can be "
                "written only to the partition that it came from."
            )
        async with answered(self._bootstrap, self._timeout_s):
            await self._require(record)
            batch = RawBatch()
            now_ms = int(time.time() * 1000)
            batch.append(
                key=record.key,
                value=record.value,
                timestamp=record.timestamp or now_ms,
                headers=list(headers),
            )
            batch.close()
            sent: asyncio.Future[Any] = await self._producer.send_batch(
                batch, record.topic, partition=record.partition
            )
        return sent

    async def _abort(self) -> None:
        """Give the batch up. If that does not succeed, the broker does it a little later."""
        failures = (TimeoutError, OSError, kafka.KafkaError, BrokerUnavailableError)
        with suppress(*failures, asyncio.InvalidStateError, kafka.IllegalOperation):
            async with asyncio.timeout(_ABORT_S):
                await self._producer.abort_transaction()
