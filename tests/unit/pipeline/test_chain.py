"""What a record of a typed topic is, before its past is looked at."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import field_validator

from streamagents.errors import InvalidEventError, UndecodableError
from streamagents.events import Event
from streamagents.pipeline.chain import judge, read
from streamagents.pipeline.outcome import DeadLetter, Incoming, Skip
from streamagents.testing.bus import murmur2_partition
from support.records import Order, Scripted, fallback, record, registration, subscription

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.pipeline.outcome import Forward
    from streamagents.testing.bus import MemoryRecord


class Skipping(Event, topic="skipping", tombstones="skip"):
    name: str = ""


class SkippingAgent:
    async def run(self, event: Skipping) -> None: ...


class Thrower(Event, topic="thrower", key="name"):
    name: str

    @field_validator("name")
    @classmethod
    def _throws(cls, name: str) -> str:
        raise {"key": KeyError, "zero": ZeroDivisionError, "deep": RecursionError}[name](name)


class ThrowerAgent:
    async def run(self, event: Thrower) -> None: ...


class Unspeakable:
    def __str__(self) -> str:
        raise LookupError("no text")


class Nameless(Event, topic="nameless", key="name"):
    name: Any = None

    @field_validator("name", mode="after")
    @classmethod
    def _no_text(cls, name: Any) -> Any:
        return Unspeakable()


class NamelessAgent:
    async def run(self, event: Nameless) -> None: ...


def judged(
    source: MemoryRecord, owner: Registration | None = None
) -> Incoming | Skip | Forward | DeadLetter:
    return judge(source, subscription(owner), murmur2_partition)


def run(source: MemoryRecord, owner: Registration | None = None) -> Incoming:
    decision = judged(source, owner)
    assert isinstance(decision, Incoming), decision
    return decision


def test_a_tombstone_becomes_a_letter() -> None:
    decision = judged(record(None, key=b"k"))

    assert isinstance(decision, DeadLetter)
    assert (decision.code, decision.error) == ("tombstone", None)


def test_a_tombstone_is_skipped_where_the_event_says_so() -> None:
    owner = registration(SkippingAgent(), "skipping")

    assert judged(record(None, topic="skipping", key=b"k"), owner) == Skip("tombstone")


def test_an_empty_value_is_no_tombstone_but_cannot_be_read() -> None:
    owner = registration(SkippingAgent(), "skipping")
    decision = judged(record(b"", topic="skipping"), owner)

    assert isinstance(decision, DeadLetter)
    assert decision.code == "undecodable"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\x00\x01",
        b"null garbage",
        b"[" * 100_000,
        b'{"amount": 1',
        b'{"customer":"\\ud800"}',
        b'{"type":"order","data":{},"id":' + b"1" * 5000 + b"}",
    ],
    ids=lambda value: repr(value[:12]),
)
def test_bytes_that_are_no_json_are_undecodable(value: bytes) -> None:
    decision = judged(record(value, key=b"not where it belongs", partition=3))

    assert isinstance(decision, DeadLetter)
    assert (decision.code, type(decision.error)) == ("undecodable", UndecodableError)


@pytest.mark.parametrize(
    "value", [b"null", b"[]", b"1", b'"text"', b'{"amount":"many"}', b'{"customer":[1]}']
)
def test_json_that_is_not_the_event_is_invalid(value: bytes) -> None:
    decision = judged(record(value, key=b"not where it belongs", partition=3))

    assert isinstance(decision, DeadLetter)
    assert (decision.code, type(decision.error)) == ("invalid", InvalidEventError)


def test_the_reason_names_the_faulty_field_and_not_its_value() -> None:
    decision = judged(record(b'{"amount":"top secret"}'))

    assert isinstance(decision, DeadLetter)
    assert "amount" in decision.reason
    assert "secret" not in decision.reason


@pytest.mark.parametrize("name", ["key", "zero", "deep"])
def test_whatever_a_validator_raises_is_the_events_fault(name: str) -> None:
    owner = registration(ThrowerAgent(), "thrower")
    decision = judged(record(b'{"name":"%b"}' % name.encode(), topic="thrower"), owner)

    assert isinstance(decision, DeadLetter)
    assert decision.code == "invalid"
    assert isinstance(decision.error, InvalidEventError)
    assert isinstance(decision.error.__cause__, (KeyError, ZeroDivisionError, RecursionError))


def test_a_key_value_without_a_text_is_the_events_fault() -> None:
    owner = registration(NamelessAgent(), "nameless")
    decision = judged(record(b'{"name":1}', topic="nameless"), owner)

    assert isinstance(decision, DeadLetter)
    assert (decision.code, "LookupError" in decision.reason) == ("invalid", True)


@pytest.mark.parametrize("value", [b"[]", b"1", b"null", b'"text"'])
def test_raw_data_is_an_object(value: bytes) -> None:
    decision = judge(record(value, topic="any"), subscription(fallback(), "any"), murmur2_partition)

    assert isinstance(decision, DeadLetter)
    assert decision.code == "invalid"


def test_a_bad_cloud_events_header_is_undecodable() -> None:
    decision = judged(record(headers=(("ce_id", b"\xff"),)))

    assert isinstance(decision, DeadLetter)
    assert decision.code == "undecodable"


def test_headers_without_a_value_are_as_good_as_absent() -> None:
    incoming = run(record(headers=(("ce_id", None), ("content-type", None), ("x", None))))

    assert (incoming.id, incoming.source) == ("order:0:7", "")


def test_an_event_is_read_into_its_model() -> None:
    incoming = run(record(b'{"customer":null,"amount":3,"unknown":true}'))

    assert incoming.payload == Order(amount=3)


def test_the_topic_decides_and_a_foreign_type_is_shown() -> None:
    foreign = run(record(headers=(("ce_type", b"com.shop.paid"),)))

    assert (foreign.type, foreign.registration.type) == ("com.shop.paid", "order")
    assert run(record()).type == "order"


def test_the_time_is_the_senders_else_the_records() -> None:
    said = run(record(headers=(("ce_time", b"2026-03-01T12:00:00+02:00"), ("ce_id", None))))
    unreadable = run(record(headers=(("ce_time", b"yesterday"), ("ce_id", None)), timestamp=1000))

    assert said.time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert unreadable.time == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert run(record(timestamp=-1)).time == datetime(1970, 1, 1, tzinfo=UTC)


def test_reading_raises_what_judging_makes_a_letter() -> None:
    with pytest.raises(InvalidEventError, match="amount"):
        read(record(b'{"amount":[]}'), registration(Scripted()), topic="order")


def test_judging_needs_no_event_loop() -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()

    assert isinstance(judged(record()), Incoming)
