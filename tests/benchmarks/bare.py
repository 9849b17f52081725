"""What a Faust tutorial shows: an agent that skips ids which are in a RocksDB table.

No order per key, no retry, no dead letter, and the mark is not awaited: it may be lost. That is
what our deduplication is held against.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import faust

from benchmarks.app import write_result

EVENTS = int(os.environ.get("BENCH_EVENTS", "0"))
RESULT = Path(os.environ.get("BENCH_RESULT", os.devnull))


class Ping(faust.Record):  # type: ignore[misc] # Faust is not typed for us
    id: str
    n: int
    who: str


app = faust.App(
    os.environ.get("BENCH_NAME", "bare"),
    broker=f"kafka://{os.environ.get('STREAMAGENTS_BROKER', '127.0.0.1:9092')}",
    store="rocksdb://",
    datadir=os.environ.get("STREAMAGENTS_DATA_DIR", "."),
    topic_partitions=4,
    topic_replication_factor=1,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
topic = app.topic("ping", value_type=Ping)
seen = app.Table(
    "seen", partitions=4, key_type=str, value_type=int, options={"driver": "rocksdict"}
)


@app.agent(topic)  # type: ignore[untyped-decorator] # Faust is not typed for us
async def count(pings: Any) -> None:
    """Handle each id once."""
    began, done = 0.0, 0
    async for ping in pings:
        began = began or time.perf_counter()
        if ping.id in seen:
            continue
        seen[ping.id] = 1
        done += 1
        if done == EVENTS:
            write_result(RESULT, {"seconds": time.perf_counter() - began, "events": done})
