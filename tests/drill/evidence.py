"""The evidence: what a raw reader finds in Kafka, and what was written down. Nothing of ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from drill.shapes import ACTIONS, LETTERS, PARTITIONS, RECEIPT, TOPICS, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

_STANDSTILL_S = 30.0
_SOURCES = (*TOPICS, ACTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One committed record."""

    topic: str
    partition: int
    offset: int
    key: str
    value: str


@dataclass(slots=True, kw_only=True)
class Evidence:
    """All that the checker looks at."""

    sent: list[Sent]
    receipts: list[Row]
    letters: list[Row]
    journal: list[dict[str, Any]]
    killed: dict[int, float] = field(default_factory=dict)
    """When processes were killed, in the clock of the journal."""
    behind: dict[str, list[int]] = field(default_factory=dict)
    """By `topic:partition`: commit and end, where they differ."""
    open_letters: int = 0
    """That the operator's list counts at the end."""


class Witness:
    """Reads committed, belongs to no group, knows nothing of us. An async context manager."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix, self._group = prefix, f"{prefix}drill"
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    def _partitions_of(self, topics: Iterable[str]) -> list[TopicPartition]:
        numbers = range(PARTITIONS)
        return [TopicPartition(self._prefix + topic, n) for topic in topics for n in numbers]

    async def behind(self) -> dict[str, list[int]]:
        """What the group has not committed yet."""
        tps = self._partitions_of(_SOURCES)
        found = await self._admin.list_consumer_group_offsets(self._group)
        ends = await self._consumer.end_offsets(tps)
        commits = {tp: max(found[tp].offset if tp in found else 0, 0) for tp in tps}
        return {
            f"{tp.topic}:{tp.partition}": [commits[tp], ends[tp]]
            for tp in tps
            if commits[tp] != ends[tp]
        }

    async def receipts(self) -> list[Row]:
        """What the agents have emitted, in the order of their partitions."""
        return await self._read([RECEIPT])

    async def letters(self) -> list[Row]:
        """Every letter that was ever written."""
        return await self._read([topic + LETTERS for topic in TOPICS])

    async def _read(self, topics: Iterable[str]) -> list[Row]:
        tps = self._partitions_of(topics)
        self._consumer.assign(tps)
        await self._consumer.seek_to_beginning(*tps)
        ends = await self._consumer.end_offsets(tps)
        rows: list[Row] = []
        while behind := [tp for tp in tps if await self._consumer.position(tp) < ends[tp]]:
            async with asyncio.timeout(_STANDSTILL_S):
                for records in (await self._consumer.getmany(*behind, timeout_ms=300)).values():
                    rows += [self._row(record) for record in records]
        return sorted(rows, key=lambda row: (row.topic, row.partition, row.offset))

    def _row(self, record: Any) -> Row:
        return Row(
            topic=record.topic.removeprefix(self._prefix),
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode("latin-1"),
            value=(record.value or b"").decode("latin-1"),
        )
