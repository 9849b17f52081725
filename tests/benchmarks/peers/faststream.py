"""FastStream: a subscriber on the aiokafka broker that looks its ids up in RocksDB.

Its aiokafka broker and not the confluent one: that goes through a thread for every message. Run by
`faststream run`, which takes uvloop; without its two log lines for every message.
"""

from __future__ import annotations

import os

from faststream import FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel
from rocksdict import Rdict

from benchmarks.meter import Meter
from benchmarks.work import WORK, handler

MAX_WORKERS = int(os.environ["BENCH_IN_FLIGHT"]) if WORK == "sleep" else None


class Ping(BaseModel):
    id: str
    n: int
    who: str
    at: float


meter = Meter(libraries=("faststream", "aiokafka", "rocksdict", "pydantic"))
handle = handler(meter.facts)
seen = Rdict(os.environ["BENCH_DATA"])
broker = KafkaBroker(os.environ["BENCH_BROKER"], logger=None)
app = FastStream(broker, logger=None)


@broker.subscriber(  # type: ignore[untyped-decorator] # FastStream is not installed beside us
    os.environ["BENCH_TOPIC"],
    group_id=os.environ["BENCH_NAME"],
    auto_offset_reset="earliest",
    max_workers=MAX_WORKERS,
)
async def on_ping(ping: Ping) -> None:
    """Handle each id once."""
    if not meter.began:
        meter.begin()
    if ping.id in seen:
        return
    await handle(ping)
    seen[ping.id] = 1
    meter.tick()
