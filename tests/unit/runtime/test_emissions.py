"""What an attempt emits: ids, keys, partitions, headers, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events import Event
from streamagents.events.envelope import header
from streamagents.pipeline.chain import judge
from streamagents.pipeline.outcome import Incoming
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import MAX_RECORD_BYTES
from support.bench import Bench
from support.records import PARTITIONS, Order, Receipt, Scripted, record, subscription

if TYPE_CHECKING:
    from streamagents.agents import Context
    from streamagents.ports import Outgoing
    from streamagents.testing.bus import MemoryRecord

TRACE = b"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
SOURCE = record(b"{}", headers=(("ce_id", b"c-1"), ("traceparent", TRACE)))


class Stranger(Event, topic="stranger"):
    """Declared to no application."""


async def emitted(step: Any, source: MemoryRecord = SOURCE) -> list[Outgoing]:
    return await Bench(Scripted(step)).run(source)


def ids(records: list[Outgoing]) -> list[bytes | None]:
    return [header(out.headers, "ce_id") for out in records]


async def test_an_emitted_event_is_a_cloud_event_of_ours() -> None:
    (out,) = await emitted(Receipt(number="n-1", text="thanks"))
    headers = dict(out.headers)
    trace = headers.pop("traceparent")

    assert out.value is not None
    assert json.loads(out.value) == {"number": "n-1", "id": None, "text": "thanks"}
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": b"c-1/emit-1",
        "ce_source": b"streamagents/shop/order",
        "ce_type": b"receipt",
        "ce_time": b"2026-01-01T00:00:00Z",
        "content-type": b"application/json",
    }
    assert trace.split(b"-")[1] == TRACE.split(b"-")[1]
    assert trace != TRACE


async def test_it_goes_under_its_key_to_its_partition() -> None:
    (out,) = await emitted(Receipt(number="n-1"))

    assert (out.topic, out.key) == ("receipt", b"n-1")
    assert out.partition == murmur2_partition(b"n-1", PARTITIONS)


async def test_without_a_key_it_goes_under_its_id() -> None:
    (out,) = await emitted(Receipt())

    assert out.key == b"c-1/emit-1"
    assert out.partition == murmur2_partition(b"c-1/emit-1", PARTITIONS)


async def test_an_events_own_id_counts_and_is_not_numbered() -> None:
    step = [Receipt(), Receipt(id="mine"), Receipt(id=""), Receipt()]

    assert ids(await emitted(step)) == [b"c-1/emit-1", b"mine", b"c-1/emit-2", b"c-1/emit-3"]


async def test_emitting_tells_the_id_awaited_or_not() -> None:
    async def step(order: Order, ctx: Context) -> Receipt:
        first = ctx.emit(Receipt())
        second = await ctx.emit(Receipt(id="mine"))
        return Receipt(text=f"{first} {second}")

    records = await emitted(step)

    assert ids(records) == [b"c-1/emit-1", b"mine", b"c-1/emit-2"]
    assert records[2].value is not None
    assert json.loads(records[2].value)["text"] == "c-1/emit-1 mine"


async def test_an_id_that_is_given_goes_before_the_events_own_and_is_not_numbered() -> None:
    async def step(order: Order, ctx: Context) -> Receipt:
        ctx.emit(Receipt(), id="given")
        ctx.emit(Receipt(id="mine"), id="before-mine")
        return Receipt()

    records = await emitted(step)

    assert ids(records) == [b"given", b"before-mine", b"c-1/emit-1"]
    assert header(records[0].headers, "ce_source") == b"streamagents/shop"


async def test_a_second_attempt_emits_under_the_same_ids() -> None:
    step = [Receipt(), Receipt()]

    assert ids(await emitted(step)) == ids(await emitted(step))


async def test_an_event_named_by_its_place_gives_ids_that_are_its_own() -> None:
    assert ids(await emitted(Receipt(), record(b"{}"))) == [b"order:0:7/emit-1"]


@pytest.mark.parametrize(
    "result", [[Receipt(), Order()], (Receipt(), Order())], ids=["list", "tuple"]
)
async def test_a_returned_sequence_is_emitted_in_order(result: Any) -> None:
    assert [out.topic for out in await emitted(result)] == ["receipt", "order"]


@pytest.mark.parametrize("result", [None, [], ()])
async def test_nothing_returned_is_nothing_emitted(result: Any) -> None:
    assert await emitted(result) == []


@pytest.mark.parametrize("result", ["text", {"a": 1}, 0, False, [Receipt(), "text"], {Receipt}])
async def test_anything_else_returned_is_a_failure_in_words(result: Any) -> None:
    with pytest.raises(TypeError, match=r"Scripted.run returned \w+: return an Event"):
        await emitted(result)


async def test_only_events_can_be_emitted() -> None:
    async def step(order: Order, ctx: Context) -> None:
        ctx.emit({"a": 1})  # type: ignore[arg-type] # on purpose

    with pytest.raises(TypeError, match=r"emit\(\) takes an Event, got dict"):
        await emitted(step)


async def test_an_undeclared_event_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"emits=\[Stranger\].*topics apply"):
        await emitted(Stranger())


async def test_an_event_that_fits_no_record_is_refused_where_it_is_emitted() -> None:
    with pytest.raises(EventTooLargeError, match=f"takes {MAX_RECORD_BYTES}"):
        await emitted(Receipt(text="x" * MAX_RECORD_BYTES))


async def test_the_largest_event_allowed_leaves_room_for_what_kafka_adds() -> None:
    (out,) = await emitted(Receipt(number="n", text="x" * (MAX_RECORD_BYTES - 5000)))

    assert out.value is not None
    assert len(out.value) < MAX_RECORD_BYTES - 4096


async def test_an_emitted_event_arrives_where_it_belongs() -> None:
    """What `emit` writes, the guard of its topic leaves alone."""
    for event in (Order(), Order(customer="ada"), Order(id="o-1"), Order(customer="ä", id="o-2")):
        (out,) = await emitted(event)
        assert out.partition is not None
        arrived = record(
            out.value, partition=out.partition, key=out.key, headers=out.headers, offset=99
        )
        decision = judge(arrived, subscription(), murmur2_partition)

        assert isinstance(decision, Incoming)
        assert decision.key == out.key
        assert decision.id.encode() == header(out.headers, "ce_id")


async def test_an_emitted_event_with_an_empty_key_goes_where_it_belongs() -> None:
    (out,) = await emitted(Receipt(number=""), record(b"{}"))

    assert out.key == b""
