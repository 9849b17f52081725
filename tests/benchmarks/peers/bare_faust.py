"""What a Faust tutorial shows: an agent that skips ids which are in a RocksDB table."""

from __future__ import annotations

import os
from typing import Any

import faust

from benchmarks.meter import Meter
from benchmarks.work import handler


class Ping(faust.Record):  # type: ignore[misc] # Faust is not typed for us
    id: str
    n: int
    who: str
    at: float


meter = Meter(libraries=("faust-streaming", "aiokafka", "rocksdict"))
handle = handler(meter.facts)
app = faust.App(
    os.environ.get("BENCH_NAME", "bare"),
    broker=f"kafka://{os.environ.get('BENCH_BROKER', '127.0.0.1:9092')}",
    store="rocksdb://",
    datadir=os.environ.get("BENCH_DATA", "."),
    topic_partitions=4,
    topic_replication_factor=1,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
topic = app.topic(os.environ.get("BENCH_TOPIC", "ping"), value_type=Ping)
seen = app.Table(
    "seen", partitions=4, key_type=str, value_type=int, options={"driver": "rocksdict"}
)


@app.agent(topic)  # type: ignore[untyped-decorator] # Faust is not typed for us
async def ping(pings: Any) -> None:
    """Handle each id once."""
    async for ping in pings:
        if not meter.began:
            meter.begin()
        if ping.id in seen:
            continue
        await handle(ping)
        seen[ping.id] = 1
        meter.tick()
