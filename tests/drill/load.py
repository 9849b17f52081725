"""The load: any Kafka client, with nothing of ours, sends events all the time."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer

from drill.shapes import CUSTOMERS, TOPICS, Sent, country

if TYPE_CHECKING:
    from collections.abc import Awaitable

_TIMEOUT_MS = 90_000
"""Longer than the broker is ever away: what is acknowledged is the checker's ground."""


class Load:
    """Sends so many events a second, until it is told to end."""

    def __init__(self, bootstrap: str, prefix: str, a_second: float) -> None:
        self._bootstrap, self._prefix, self._a_second = bootstrap, prefix, a_second
        self.acknowledged: list[Sent] = []
        self._ending = asyncio.Event()
        self._waiting: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Send no more."""
        self._ending.set()

    async def run(self) -> None:
        """Send; returns when all is acknowledged."""
        # Idempotent: what is sent of one key arrives in this order, also over a restart.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=_TIMEOUT_MS,
        )
        await producer.start()
        try:
            began, n = time.monotonic(), 0
            while not self._ending.is_set():
                await asyncio.sleep(max(0.0, began + n / self._a_second - time.monotonic()))
                sent = _event(n)
                future = await producer.send(
                    self._prefix + sent.topic, sent.value.encode(), key=sent.key.encode()
                )
                task = asyncio.create_task(self._acknowledge(future, sent))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)
                n += 1
            await asyncio.gather(*self._waiting)
        finally:
            await producer.stop()

    async def _acknowledge(self, future: Awaitable[object], sent: Sent) -> None:
        await future
        self.acknowledged.append(sent)


def _event(n: int) -> Sent:
    """The events of all topics and customers, by turns."""
    customer = (n // len(TOPICS)) % CUSTOMERS
    data = {"n": n, "customer": f"c{customer}", "country": country(customer)}
    return Sent(n=n, topic=TOPICS[n % len(TOPICS)], key=f"c{customer}", value=json.dumps(data))
