"""The dead letter: the original, untouched, and beside it what happened."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.events.envelope import header
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.outcome import DeadLetter
from streamagents.ports import Outgoing, Position
from support.records import record

if TYPE_CHECKING:
    from streamagents.testing.bus import MemoryRecord

FACTS = LetterFacts(
    origin=Position("order", 2, 7),
    key=b"ada",
    agent="OrderAgent",
    agent_version="3",
    group="shop",
    attempts=3,
    failed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    replay_count=0,
)
ADDED = {
    "__streams.errors.exception",
    "__streams.errors.stacktrace",
    "__streams.errors.message",
    "__streams.errors.topic",
    "__streams.errors.partition",
    "__streams.errors.offset",
    "kafka_dlt-original-topic",
    "kafka_dlt-original-timestamp",
    "kafka_dlt-exception-cause-fqcn",
    "streamagents-attempts",
    "streamagents-agent",
    "streamagents-agent-version",
    "streamagents-consumer-group",
    "streamagents-first-failed-at",
    "streamagents-error-code",
    "streamagents-replay-count",
}


class ShopError(Exception):
    """An error of a user's own module."""


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as exc:
        return exc


def written(source: MemoryRecord | None = None, error: Any = None, **facts: Any) -> Outgoing:
    why = DeadLetter("failed", "3 attempts failed", error)
    return letter("order.dlq", source or record(partition=2), why, replace(FACTS, **facts))


def text(outgoing: Outgoing, name: str) -> str:
    value = header(outgoing.headers, name)
    assert value is not None
    return value.decode()


def test_a_letter_says_what_happened_in_exactly_these_headers() -> None:
    outgoing = written(error=raised(ShopError("no stock"), KeyError("sku")))
    found = dict(outgoing.headers)

    assert found.keys() == ADDED
    assert len(outgoing.headers) == len(ADDED)
    stack = found.pop("__streams.errors.stacktrace")
    assert b"KeyError: 'sku'" in stack
    assert stack.rstrip().endswith(b"ShopError: no stock")
    assert found == {
        "__streams.errors.exception": f"{__name__}.ShopError".encode(),
        "__streams.errors.message": b"3 attempts failed",
        "__streams.errors.topic": b"order",
        "__streams.errors.partition": b"2",
        "__streams.errors.offset": b"7",
        "kafka_dlt-original-topic": b"order",
        "kafka_dlt-original-timestamp": struct.pack(">q", 1_767_225_600_000),
        "kafka_dlt-exception-cause-fqcn": b"KeyError",
        "streamagents-attempts": b"3",
        "streamagents-agent": b"OrderAgent",
        "streamagents-agent-version": b"3",
        "streamagents-consumer-group": b"shop",
        "streamagents-first-failed-at": b"2026-03-01T12:00:00Z",
        "streamagents-error-code": b"failed",
        "streamagents-replay-count": b"0",
    }


def test_key_value_and_place_are_the_originals() -> None:
    outgoing = written(record(b"\xff\x00{", partition=2, key=b"forwarded under this"))

    assert (outgoing.topic, outgoing.key, outgoing.value) == ("order.dlq", b"ada", b"\xff\x00{")
    assert outgoing.partition == 2


def test_a_letter_is_written_now_and_tells_the_originals_time() -> None:
    outgoing = written(record(timestamp=-1))

    assert outgoing.timestamp is None
    assert header(outgoing.headers, "kafka_dlt-original-timestamp") == b"\xff" * 8


@pytest.mark.parametrize("key", [None, b"", b"\xff"])
@pytest.mark.parametrize("value", [None, b"", b"\xff"])
def test_keys_and_values_of_any_kind_are_kept(key: bytes | None, value: bytes | None) -> None:
    outgoing = written(record(value), key=key)

    assert (outgoing.key, outgoing.value) == (key, value)


def test_source_headers_are_kept_in_order_whatever_they_hold() -> None:
    headers: Any = (
        ("a", b"1"),
        ("b", b"\xff\xfe"),
        ("a", b"2"),
        ("", b""),
        ("n", None),
        ("a", b"1"),
    )
    outgoing = written(record(headers=headers))

    assert outgoing.headers[:6] == headers


def test_the_trace_and_foreign_headers_of_ours_are_the_originals() -> None:
    headers = (("traceparent", b"00-1"), ("streamagents-custom", b"mine"), ("ce_id", b"1"))

    assert written(record(headers=headers)).headers[:3] == headers


def test_a_letter_that_fails_again_is_replaced_and_does_not_grow() -> None:
    once = written(record(headers=(("a", b"1"),), partition=2), ValueError("first"))
    again = record(headers=once.headers, partition=2)
    twice = written(again, KeyError("second"), attempts=9, replay_count=1)

    assert len(twice.headers) == len(once.headers)
    assert text(twice, "streamagents-attempts") == "9"
    assert text(twice, "streamagents-replay-count") == "1"
    assert text(twice, "__streams.errors.exception") == "KeyError"
    assert [name for name, _ in twice.headers].count("streamagents-attempts") == 1


def test_what_only_the_runtime_needs_is_left_out() -> None:
    headers = (
        ("streamagents-origin", b"inbox:1:2"),
        ("streamagents-origin-key", b"old"),
        ("streamagents-target-group", b"shop"),
        ("x", b"1"),
    )
    outgoing = written(record(headers=headers))

    assert {name for name, _ in outgoing.headers} == ADDED | {"x"}


def test_a_forwarded_event_is_told_by_where_it_first_lay() -> None:
    source = record(partition=1, offset=99, key=b"ada")
    outgoing = written(source, origin=Position("order", 3, 12), key=None)

    assert (outgoing.key, outgoing.partition) == (None, 1)
    assert text(outgoing, "__streams.errors.partition") == "3"
    assert text(outgoing, "__streams.errors.offset") == "12"


def test_an_event_of_the_inbox_keeps_the_partition_of_the_topic_it_was_handled_in() -> None:
    outgoing = written(record(partition=1), origin=Position("streamagents.inbox", 3, 12))

    assert outgoing.partition == 1
    assert text(outgoing, "__streams.errors.topic") == "streamagents.inbox"
    assert text(outgoing, "kafka_dlt-original-topic") == "streamagents.inbox"
