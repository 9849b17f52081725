"""Dead letters for the tests of `review`: of all conventions, on a bus in memory."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.outcome import DeadLetter
from streamagents.ports import Outgoing, Position
from streamagents.review.letter import read_letter
from streamagents.topics import AUDIT, LETTERS
from support.records import PARTITIONS, record

if TYPE_CHECKING:
    from streamagents.events import Headers
    from streamagents.review.letter import Letter
    from streamagents.testing.bus import MemoryRecord

TOPICS = dict.fromkeys(("order", "order.dlq", "other", "other.dlq", LETTERS, AUDIT), PARTITIONS)
DATA = b'{"customer":"ada","amount":7,"card":{"number":"4111","password":"hush"}}'
FAILED_AT = datetime(2026, 11, 23, 3, tzinfo=UTC)


def ours(
    value: bytes | None = DATA,
    *,
    topic: str = "order",
    offset: int = 7,
    partition: int = 2,
    key: bytes | None = b"ada",
    headers: Headers = (("ce_id", b"c-1"),),
    code: str = "failed",
    error: Exception | None = None,
    **facts: Any,
) -> Outgoing:
    """A letter as our worker writes it."""
    source = record(
        value, topic=topic, partition=partition, offset=offset, key=key, headers=headers
    )
    known = LetterFacts(
        origin=Position(topic, partition, offset),
        key=key,
        agent="OrderAgent",
        agent_version="1",
        group="shop",
        attempts=3,
        failed_at=FAILED_AT,
        replay_count=0,
    )
    why = DeadLetter(code, "it cannot be done", error or ValueError("no"))
    return letter(topic + ".dlq", source, why, replace(known, **facts))


def lying(out: Outgoing, offset: int = 0, timestamp: int = 1_795_400_000_000) -> MemoryRecord:
    """A letter where it lies."""
    return record(
        out.value,
        topic=out.topic,
        partition=out.partition or 0,
        offset=offset,
        key=out.key,
        headers=out.headers,
        timestamp=timestamp,
    )


def a_letter(value: bytes | None = DATA, *, at: int = 0, **more: Any) -> Letter:
    """A letter of ours, read."""
    return read_letter(lying(ours(value, **more), at))


def foreign(headers: Headers, *, topic: str = "orders-dlt", value: bytes | None = DATA) -> Letter:
    """A letter of somebody else, read."""
    return read_letter(record(value, topic=topic, partition=1, offset=5, headers=headers))


SPRING: Headers = (
    ("own", b"kept"),
    ("kafka_dlt-original-topic", b"order"),
    ("kafka_dlt-original-partition", struct.pack(">i", 3)),
    ("kafka_dlt-original-offset", struct.pack(">q", 1234)),
    ("kafka_dlt-original-timestamp", struct.pack(">q", 1_795_400_000_000)),
    ("kafka_dlt-original-timestamp-type", b"CreateTime"),
    ("kafka_dlt-original-consumer-group", b"billing"),
    ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerFailed"),
    ("kafka_dlt-exception-cause-fqcn", b"java.lang.IllegalStateException"),
    ("kafka_dlt-exception-message", b"no such customer"),
    ("kafka_dlt-exception-stacktrace", b"at com.example"),
    ("kafka_deliveryAttempt", struct.pack(">i", 4)),
    ("retry_topic-attempts", struct.pack(">i", 4)),
)
CONNECT: Headers = (
    ("own", b"kept"),
    ("__connect.errors.topic", b"order"),
    ("__connect.errors.partition", b"3"),
    ("__connect.errors.offset", b"1234"),
    ("__connect.errors.connector.name", b"sink"),
    ("__connect.errors.task.id", b"0"),
    ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
    ("__connect.errors.exception.message", b"no schema"),
    ("__connect.errors.exception.stacktrace", b"at org.apache"),
)
STREAMS: Headers = (
    ("own", b"kept"),
    ("__streams.errors.exception", b"org.apache.kafka.common.errors.SerializationException"),
    ("__streams.errors.stacktrace", b"at org.apache"),
    ("__streams.errors.message", b"size of data is 3"),
    ("__streams.errors.topic", b"order"),
    ("__streams.errors.partition", b"3"),
    ("__streams.errors.offset", b"1234"),
)
