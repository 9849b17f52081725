"""The raw topics: every record that a `read_committed` reader gets, and the group's commits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chaos.shapes import LETTERS, PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

CONSUMED = tuple(topic for topic in PARTITIONS if topic != "receipt")
_STANDSTILL_S = 30.0


def partitions_of(topics: Iterable[str]) -> list[TopicPartition]:
    """All partitions of topics, letters' among them."""
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in range(PARTITIONS[topic.removesuffix(LETTERS)])
    ]


def reader(bootstrap: str) -> AIOKafkaConsumer:
    """A consumer that reads committed, belongs to no group and knows nothing of us."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )


async def dump(bootstrap: str) -> list[dict[str, Any]]:
    """Read all topics to their stable end."""
    tps = partitions_of([*PARTITIONS, *(topic + LETTERS for topic in CONSUMED)])
    consumer = reader(bootstrap)
    await consumer.start()
    try:
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        rows: list[dict[str, Any]] = []
        while True:
            behind = [tp for tp in tps if await consumer.position(tp) < ends[tp]]
            if not behind:
                return rows
            async with asyncio.timeout(_STANDSTILL_S):
                for records in (await consumer.getmany(*behind, timeout_ms=300)).values():
                    rows += map(_row, records)
    finally:
        await consumer.stop()


def _row(record: Any) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "wall": record.timestamp / 1000,
        "key": text(record.key),
        "value": text(record.value),
        "headers": [(name, text(value)) for name, value in record.headers],
    }


def text(raw: bytes | None) -> str | None:
    """Bytes as JSON can have them."""
    return None if raw is None else raw.decode("latin-1")


class Progress:
    """How far the group has committed, and what is missing. An async context manager."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._group = group
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = reader(bootstrap)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def behind(self, topics: Iterable[str] = CONSUMED) -> dict[str, list[int]]:
        """By `topic:partition`: commit and end, where they differ."""
        tps = partitions_of(topics)
        found = await self._admin.list_consumer_group_offsets(self._group)
        ends = await self._consumer.end_offsets(tps)
        commits = {tp: found[tp].offset if tp in found else 0 for tp in tps}
        return {
            f"{tp.topic}:{tp.partition}": [max(commits[tp], 0), ends[tp]]
            for tp in tps
            if max(commits[tp], 0) != ends[tp]
        }
