"""The raw topics: every record that a `read_committed` reader gets, and the group's commits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chaos.shapes import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

CONSUMED = tuple(topic for topic in PARTITIONS if topic != "receipt")
_STANDSTILL_S = 30.0


async def dump(bootstrap: str) -> list[dict[str, Any]]:
    """Read all topics to their stable end."""
    topics = [*PARTITIONS, *(f"{topic}.dlq" for topic in CONSUMED)]
    tps = [
        TopicPartition(topic, number)
        for topic in topics
        for number in range(PARTITIONS[topic.removesuffix(".dlq")])
    ]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
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
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [(name, _text(value)) for name, value in record.headers],
    }


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("latin-1")


class Progress:
    """How far the group has committed, and what is missing. An async context manager."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._group = group
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed"
        )

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def behind(self, topics: Iterable[str] = CONSUMED) -> dict[str, list[int]]:
        """By `topic:partition`: commit and end, where they differ."""
        tps = [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS[topic])]
        found = await self._admin.list_consumer_group_offsets(self._group)
        ends = await self._consumer.end_offsets(tps)
        commits = {tp: found[tp].offset if tp in found else 0 for tp in tps}
        return {
            f"{tp.topic}:{tp.partition}": [max(commits[tp], 0), ends[tp]]
            for tp in tps
            if max(commits[tp], 0) != ends[tp]
        }
