"""A record whose header has a name that is no UTF-8, as other clients can write it."""

from __future__ import annotations

import os
import subprocess
import sys

_PRODUCER = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Odd(str):
    def encode(self, *_):
        return bytes([255])

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
        await producer.send_and_wait(sys.argv[2], b"{}", headers=[(Odd("h"), b"x")])

asyncio.run(main())
"""


def produce_an_odd_header(address: str, topic: str) -> None:
    """Write such a record."""
    subprocess.run(
        [sys.executable, "-c", _PRODUCER, address, topic],
        env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"},  # the C codec refuses to write it
        check=True,
        timeout=60,
    )
