"""Quix Streams: a stateful filter in front of the handler, everything else as it comes.

Its state lies under the message's key, as ours does. It decodes JSON into dicts with orjson and
checks no model: that is how its documentation handles events. Handlers are plain functions.
"""

from __future__ import annotations

import os
import time
from typing import Any

from quixstreams import Application

from benchmarks import work
from benchmarks.meter import Meter

app = Application(
    broker_address=os.environ["BENCH_BROKER"],
    consumer_group=os.environ["BENCH_NAME"],
    auto_offset_reset="earliest",
    state_dir=os.environ["BENCH_DATA"],
    loglevel="WARNING",
)
meter = Meter(app.stop, libraries=("quixstreams", "confluent-kafka", "rocksdict"))
stamp = work.Stamp(meter.facts)


def is_new(ping: dict[str, Any], state: Any) -> bool:
    if not meter.began:
        meter.begin()
    if state.exists(ping["id"]):
        return False
    state.set(ping["id"], 1)
    return True


def nothing(ping: dict[str, Any]) -> None:
    meter.tick()


def note(ping: dict[str, Any]) -> None:
    stamp.note(ping["n"], ping["at"])
    meter.tick()


def main() -> None:
    """Run until the last event, then until the last checkpoint is committed."""
    pings = app.dataframe(app.topic(os.environ["BENCH_TOPIC"], value_deserializer="json"))
    pings = pings.filter(is_new, stateful=True)
    pings.update(note if work.WORK == "stamp" else nothing)
    app.run()
    meter.facts["stopped"] = time.monotonic()
    meter.write()


if __name__ == "__main__":
    main()
