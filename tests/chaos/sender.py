"""The sender: any Kafka client, with nothing of ours; in its own process's clock and order."""

from __future__ import annotations

import asyncio
import time
from itertools import groupby
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.plan import Plan
    from chaos.shapes import Sent

_TIMEOUT_MS = 90_000
"""Longer than the broker is ever away: what is acknowledged is the checker's ground."""
_TRANSACTION_ID = "chaos-sender"


class Sender:
    """Sends a plan's records at their time and remembers which the broker acknowledged."""

    def __init__(self, bootstrap: str, plan: Plan) -> None:
        self._bootstrap, self._plan = bootstrap, plan
        self.begin = asyncio.Event()
        """Set when the first agent runs: the plan's clock starts then."""
        self.waits = asyncio.Event()
        """What lies there before that is sent."""
        self.acknowledged: set[int] = set()
        self._waiting: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Send everything; returns when all is acknowledged."""
        began = 0.0
        producer = self._producer(linger_ms=5)
        await producer.start()
        try:
            for batch, rows in groupby(self._plan.sent, key=lambda row: row.batch):
                for row in rows if batch is None else ():
                    if row.at and not began:
                        self.waits.set()
                        await self.begin.wait()
                        began = time.monotonic()
                    await asyncio.sleep(max(0.0, began + row.at - time.monotonic()))
                    future = await _send(producer, row)
                    self._waiting.append(asyncio.create_task(self._settle(future, row)))
                if batch is not None:
                    await self._transact(list(rows))
            await asyncio.gather(*self._waiting)
        finally:
            self.waits.set()
            await producer.stop()

    async def audit(self) -> None:
        """Send what asks for the state at the end; returns when all is acknowledged."""
        producer = self._producer(linger_ms=5)
        await producer.start()
        try:
            await asyncio.gather(
                *[self._settle(await _send(producer, row), row) for row in self._plan.audits]
            )
        finally:
            await producer.stop()

    async def _settle(self, future: Any, row: Sent) -> None:
        await future
        self.acknowledged.add(row.n)

    async def _transact(self, rows: list[Sent]) -> None:
        """Send rows in one transaction; after an error anew, under the id that fences the old."""
        while True:
            producer = self._producer(transactional_id=_TRANSACTION_ID)
            try:
                await producer.start()
                await producer.begin_transaction()
                await _all(producer, rows)
                if rows[0].aborted:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
            except (KafkaError, OSError, TimeoutError, AssertionError):
                # Asserted by aiokafka while a broker that has just started names no brokers.
                await asyncio.sleep(0.5)
            else:
                if not rows[0].aborted:
                    self.acknowledged.update(row.n for row in rows)
                return
            finally:
                await _stop(producer)

    def _producer(self, **more: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            request_timeout_ms=_TIMEOUT_MS,
            **more,
        )


async def _all(producer: AIOKafkaProducer, rows: Iterable[Sent]) -> None:
    await asyncio.gather(*[await _send(producer, row) for row in rows])


async def _send(producer: AIOKafkaProducer, row: Sent) -> Any:
    return await producer.send(
        row.topic,
        value=None if row.value is None else row.value.encode("latin-1"),
        key=None if row.key is None else row.key.encode("latin-1"),
        headers=[(name, value.encode("latin-1")) for name, value in row.headers],
        partition=row.partition,
    )


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), 5)
    except (KafkaError, OSError, TimeoutError):
        return
