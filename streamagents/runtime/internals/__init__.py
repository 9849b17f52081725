"""What Faust 0.15 and aiokafka 0.14 keep private and the promises cannot do without.

The only place that touches such names; `tests/unit/runtime/test_internals.py` fails when one of
them changes. What is mended here, each measured against the stock consumer:

* Stock Faust commits past an unfinished event and forgets acknowledgements at a rebalance: offsets
  come from our ledgers, and are committed before a partition is given back.
* It rewinds no partition without a commit: every seek is explicit, absent means the beginning.
* Its table recovery takes a changelog record by record, and waits for one at its end, where a
  transaction leaves a marker that nobody delivers: we apply whole fetches, and go by positions.
* It resumes its streams after the seek and empties their queues then: we seek after it resumed.
* It hands single records to its streams: we hand over whole polls.
* It leaves the RocksDB of a revoked partition to garbage collection, and opens it again to flush
  what recovery had buffered: our store closes it at once, and our recovery buffers nothing.
* aiokafka asks for more before what it brought can be taken, and leaves those partitions out:
  it waits a moment for the consumer.
* aiokafka fails for ever on a header name that is no UTF-8: it is read and written as it is.
"""

from streamagents.bus.raw import RawBatch, RawName, has_raw_names, header_name
from streamagents.runtime.internals.consumer import RecordConsumer, RecordTransport
from streamagents.runtime.internals.handles import (
    OFFSET_KEY,
    commit_last,
    heartbeat_silence_s,
    look_at_failures,
    open_store,
    producer_settings,
    take_back_numbers,
)
from streamagents.runtime.internals.process import StreamWorker, WorkerBoot
from streamagents.runtime.internals.recovery import RecordRecovery, RecordTables
from streamagents.runtime.internals.stores import RecordTable, write_batch
from streamagents.runtime.internals.thread import RecordThread

__all__ = [
    "OFFSET_KEY",
    "RawBatch",
    "RawName",
    "RecordConsumer",
    "RecordRecovery",
    "RecordTable",
    "RecordTables",
    "RecordThread",
    "RecordTransport",
    "StreamWorker",
    "WorkerBoot",
    "commit_last",
    "has_raw_names",
    "header_name",
    "heartbeat_silence_s",
    "look_at_failures",
    "open_store",
    "producer_settings",
    "take_back_numbers",
    "write_batch",
]
