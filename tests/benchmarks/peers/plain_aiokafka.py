"""No framework: a loop on aiokafka, as the limit of what one would write by hand.

Consume a batch, check it with pydantic, skip known ids, send each new id to a changelog; once all
of a batch is acknowledged it counts, and the offsets are committed every second.
"""

from __future__ import annotations

import asyncio
import os
import time

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import BaseModel
from rocksdict import Rdict

from benchmarks.meter import EVENTS, Meter
from benchmarks.work import handler

BROKER = os.environ["BENCH_BROKER"]
NAME = os.environ["BENCH_NAME"]
CHANGELOG = f"{NAME}-changelog"
COMMIT_S = 1.0
WAIT_MS = 1000


class Ping(BaseModel):
    id: str
    n: int
    who: str
    at: float


class Loop:
    """Reads, looks up, handles, writes."""

    def __init__(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
        self._consumer, self._producer = consumer, producer
        self._meter = Meter(libraries=("aiokafka", "rocksdict", "pydantic"))
        self._handle = handler(self._meter.facts)
        self._seen = Rdict(os.environ["BENCH_DATA"])

    async def run(self) -> None:
        committed, handled = time.monotonic(), 0
        while handled < EVENTS:
            batches = await self._consumer.getmany(timeout_ms=WAIT_MS)
            acks = [
                ack
                for records in batches.values()
                for record in records
                if (ack := await self._once(record.value))
            ]
            await asyncio.gather(*acks)
            for _ in acks:
                self._meter.tick()
            handled += len(acks)
            if time.monotonic() - committed >= COMMIT_S:
                await self._consumer.commit()
                committed = time.monotonic()

    async def _once(self, value: bytes) -> asyncio.Future[object] | None:
        if not self._meter.began:
            self._meter.begin()
        ping = Ping.model_validate_json(value)
        if ping.id in self._seen:
            return None
        await self._handle(ping)
        self._seen[ping.id] = 1
        ack: asyncio.Future[object] = await self._producer.send(
            CHANGELOG, b"1", key=ping.id.encode()
        )
        return ack


async def main() -> None:
    """Handle everything once."""
    await _create_changelog()
    consumer = AIOKafkaConsumer(
        os.environ["BENCH_TOPIC"],
        bootstrap_servers=BROKER,
        group_id=NAME,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=BROKER, acks="all", enable_idempotence=True)
    async with consumer, producer:
        await Loop(consumer, producer).run()


async def _create_changelog() -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=BROKER)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(CHANGELOG, 4, 1)])
    finally:
        await admin.close()


if __name__ == "__main__":
    uvloop.run(main())
