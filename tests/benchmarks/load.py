"""The events: produced before a run, so that only consuming is measured, or at a steady rate."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer

from streamagents.runtime.partitioner import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTITIONS = 4
_BATCH_BYTES = 256 << 10
_PENDING = 32
"""Batches on their way: the embedded broker has a heap of 128 MiB."""


def ping(numbers: random.Random, n: int, who: str, at: float = 0.0) -> bytes:
    """About 100 bytes, with an id that no other event has: random, as in real life."""
    id_ = uuid.UUID(int=numbers.getrandbits(128), version=4)
    return json.dumps({"id": str(id_), "n": n, "who": who, "at": at}).encode()


def pings(events: int, keys: int, *, seed: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values, every key in turn."""
    numbers = random.Random(seed)
    for n in range(events):
        who = f"k{n % keys}"
        yield who.encode(), ping(numbers, n, who)


async def fill(address: str, topic: str, records: Iterator[tuple[bytes, bytes]]) -> None:
    """Produce everything, in batches of our own making: a send for each would take minutes."""
    producer = AIOKafkaProducer(bootstrap_servers=address, max_batch_size=_BATCH_BYTES)
    async with producer:
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        pending: set[asyncio.Future[object]] = set()
        for key, value in records:
            partition = partition_of(key, PARTITIONS)
            if batches[partition].append(key=key, value=value, timestamp=None) is None:
                pending.add(
                    await producer.send_batch(batches[partition], topic, partition=partition)
                )
                batches[partition] = producer.create_batch()
                batches[partition].append(key=key, value=value, timestamp=None)
                if len(pending) >= _PENDING:
                    _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for partition, batch in enumerate(batches):
            pending.add(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*pending)


class SteadyLoad:
    """Sends events at a fixed rate, whatever becomes of them."""

    def __init__(self, address: str, topic: str, *, rate: float, keys: int = 1000) -> None:
        self._address, self._topic = address, topic
        self._rate, self._keys = rate, keys
        self._numbers = random.Random()  # a seed would repeat the ids of an earlier load

    async def run(self, seconds: float, *, first: int = 0) -> None:
        """Send for so long. Events are numbered from `first`."""
        async with AIOKafkaProducer(bootstrap_servers=self._address) as producer:
            began = time.monotonic()
            for n in range(round(seconds * self._rate)):
                delay = began + n / self._rate - time.monotonic()
                if delay > 0:
                    await asyncio.sleep(delay)
                who = f"k{n % self._keys}"
                value = ping(self._numbers, first + n, who, time.monotonic())
                await producer.send(self._topic, value, key=who.encode())
