"""A foreign reader: it reads committed while all goes on, and takes down what it sees."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError

from chaos.raw import CONSUMED, partitions_of, reader, text
from chaos.rules_outcomes import EMITTED
from chaos.shapes import LETTERS, NUMBER

if TYPE_CHECKING:
    from pathlib import Path

    from aiokafka import AIOKafkaConsumer

    from chaos.plan import Plan

_RETRY_S = 0.5
_POLL_MS = 500


class Foreign:
    """Reads what is emitted, from the beginning and as it comes.

    Args:
        bootstrap: the brokers.
        plan: what there will be to see.
        file: what it sees goes there.
    """

    def __init__(self, bootstrap: str, plan: Plan, file: Path) -> None:
        self._bootstrap, self._file = bootstrap, file
        self._tps = partitions_of([*EMITTED, *(topic + LETTERS for topic in CONSUMED)])
        self._event_of = {str(row.n): row.e for row in (*plan.sent, *plan.audits)}
        wanted = [event for event in plan.expected().values() if event.fate != "never"]
        self.open = {event.e for event in wanted if not event.audit}
        """Events without an outcome, as far as it has seen."""
        self.open_audits = {event.e for event in wanted if event.audit}
        self.heard_at = time.monotonic()
        """When it has seen something last."""

    async def run(self) -> None:
        """Read until cancelled."""
        consumer = await self._connected()
        try:
            consumer.assign(self._tps)
            await self._from_the_beginning(consumer)
            with self._file.open("w", buffering=1) as file:
                while True:
                    for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                        file.writelines(json.dumps(self._seen(r)) + "\n" for r in records)
        finally:
            await consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        while True:
            consumer = reader(self._bootstrap)
            try:
                await consumer.start()
            except (KafkaError, OSError):
                await consumer.stop()
                await asyncio.sleep(_RETRY_S)
            else:
                return consumer

    async def _from_the_beginning(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            try:
                await consumer.seek_to_beginning(*self._tps)
            except (KafkaError, OSError):
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _seen(self, record: Any) -> dict[str, Any]:
        self.heard_at = time.monotonic()
        headers = dict(record.headers)
        e: int | None = None
        if record.topic == "receipt":
            e = json.loads(record.value)["of"]
        elif record.topic.endswith(LETTERS):
            e = self._event_of.get(text(headers.get(NUMBER)) or "")
        if e is not None:
            self.open.discard(e)
            self.open_audits.discard(e)
        return {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "id": text(headers.get("ce_id")),
        }
