"""What an attempt decides (`ctx.act`) and delays: ids, keys, headers, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.actions import Action
from streamagents.agents.context import MAX_DELAY_S
from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.events.envelope import header
from streamagents.pipeline.outbox import judge_action
from streamagents.pipeline.outcome import Incoming
from streamagents.pipeline.wait import due
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import ACTIONS, MAX_RECORD_BYTES
from support.bench import Bench
from support.records import (
    PARTITIONS,
    Anything,
    Note,
    Order,
    Receipt,
    Scripted,
    record,
    registration,
    subscription,
)

if TYPE_CHECKING:
    from streamagents.agents import Context
    from streamagents.ports import Outgoing
    from streamagents.testing.bus import MemoryRecord

TRACE = b"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"), ("traceparent", TRACE)))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Fax(Action, via="fax"):
    """Of a channel that the application does not have."""


async def run(work: Any, source: MemoryRecord = SOURCE) -> list[Outgoing]:
    return await Bench(Scripted(work)).run(source)


async def decided(*calls: tuple[Any, str | None]) -> list[Outgoing]:
    async def work(order: Order, ctx: Context) -> None:
        for action, name in calls:
            ctx.act(action, name)

    return await run(work)


def ids(records: list[Outgoing]) -> list[str]:
    return [(header(out.headers, "ce_id") or b"").decode() for out in records]


async def test_an_effect_is_a_record_of_the_outbox_that_says_whose_it_is() -> None:
    (out,) = await decided((Note(text="hi"), "greeting"))
    headers = dict(out.headers)
    trace = headers.pop("traceparent")

    assert out.value is not None
    assert json.loads(out.value) == {"text": "hi"}
    assert (out.topic, out.key) == (ACTIONS, b"ada")
    assert out.partition == murmur2_partition(b"ada", PARTITIONS)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": b"c-1/greeting",
        "ce_source": b"streamagents/shop/order",
        "ce_type": b"streamagents.action.note",
        "ce_time": b"2026-01-01T00:00:00Z",
        "content-type": b"application/json",
        "streamagents-app": b"shop",
    }
    assert trace.split(b"-")[1] == TRACE.split(b"-")[1]


async def test_unnamed_effects_are_numbered_in_the_order_of_their_calls() -> None:
    calls = [(Note(), None), (Note(), "mine"), (Note(), None), (Note(), None)]

    assert ids(await decided(*calls)) == ["c-1/act-1", "c-1/mine", "c-1/act-2", "c-1/act-3"]


async def test_a_second_attempt_decides_the_same_effects_again() -> None:
    calls = [(Note(), None), (Note(), "mine")]

    assert ids(await decided(*calls)) == ids(await decided(*calls))


async def test_deciding_tells_the_id_awaited_or_not() -> None:
    told: list[str] = []

    async def work(order: Order, ctx: Context) -> None:
        told.append(ctx.act(Note()))
        told.append(await ctx.act(Note(), name="mine"))

    await run(work)

    assert told == ["c-1/act-1", "c-1/mine"]


@pytest.mark.parametrize("names", [("a", "a"), ("act-1", None)])
async def test_two_effects_of_one_name_are_refused(names: tuple[str | None, ...]) -> None:
    with pytest.raises(ConfigurationError, match="called twice in one run"):
        await decided(*[(Note(), name) for name in (*names, "act-1")])


async def test_a_name_may_be_used_again_when_its_effect_was_refused() -> None:
    async def work(order: Order, ctx: Context) -> None:
        with pytest.raises(EventTooLargeError):
            ctx.act(Note(text="x" * MAX_RECORD_BYTES), name="note")
        ctx.act(Note(text="see the attachment"), name="note")

    assert ids(await run(work)) == ["c-1/note"]


async def test_an_effect_that_was_refused_takes_no_number() -> None:
    async def work(order: Order, ctx: Context) -> None:
        with pytest.raises(EventTooLargeError):
            ctx.act(Note(text="x" * MAX_RECORD_BYTES))
        ctx.act(Note())

    assert ids(await run(work)) == ["c-1/act-1"]


async def test_an_effect_of_a_channel_that_is_not_there_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"no channel 'fax', it has note.*channels=\["):
        await decided((Fax(), None))


@pytest.mark.parametrize("thing", ["text", {"text": "hi"}, None, Receipt(), Note])
async def test_only_actions_can_be_decided(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"act\(\) takes an Action"):
        await decided((thing, None))


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (record(b'{"customer":"ada"}'), b"ada"),
        (record(b"{}", key=b"\xff"), b"\xff"),
        (record(b"{}", headers=(("ce_id", b"c-9"),)), b"c-9"),
        (record(b"{}"), b"order:0:7"),
        (record(b'{"customer":""}'), b""),
    ],
)
async def test_an_effect_goes_under_its_events_key_else_under_its_id(
    source: MemoryRecord, key: bytes
) -> None:
    async def work(order: Order, ctx: Context) -> None:
        ctx.act(Note())

    (out,) = await run(work, source)

    assert (out.key, out.partition) == (key, murmur2_partition(key, PARTITIONS))


async def test_what_is_named_after_its_event_names_the_events_topic_and_source() -> None:
    """Two events of one id, but of two topics or sources, are two: their effects, too."""
    found = set()
    for source in (b"", b"a", b"b"):
        headers = (("ce_id", b"c-1"), ("ce_source", source))
        records = await run([Receipt()], record(b"{}", headers=headers))
        found.add((header(records[0].headers, "ce_source") or b"").decode())

    assert "streamagents/shop/order" in found
    assert len(found) == 3
    assert all(one.startswith("streamagents/shop/order") and len(one) < 60 for one in found)


async def test_an_events_own_id_is_the_same_wherever_it_came_from() -> None:
    sources = [
        header((await run([Receipt(id="mine")], source))[0].headers, "ce_source")
        for source in (SOURCE, record(b"{}", headers=(("ce_id", b"x"), ("ce_source", b"a"))))
    ]

    assert sources == [b"streamagents/shop"] * 2


async def test_a_chain_of_events_does_not_make_its_source_longer_and_longer() -> None:
    headers: Any = (("ce_id", b"c-1"), ("ce_source", b"a" * 100))
    lengths = []
    for _ in range(5):
        (out,) = await run([Receipt()], record(b"{}", headers=headers))
        headers = out.headers
        lengths.append(len(header(headers, "ce_source") or b""))

    assert len(set(lengths)) == 1


async def test_an_effect_is_judged_as_the_event_that_it_is() -> None:
    channels = {"note": subscription(registration(Anything(), "note"), ACTIONS)}
    (out,) = await decided((Note(text="hi"), None))
    assert out.partition is not None
    arrived = record(
        out.value, topic=ACTIONS, partition=out.partition, key=out.key, headers=out.headers
    )
    decision = judge_action(arrived, channels, "shop", murmur2_partition)

    assert isinstance(decision, Incoming)
    assert (decision.id, decision.key) == ("c-1/act-1", b"ada")


# -- delays ------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_s", [0.5, 1, 3600, MAX_DELAY_S])
async def test_a_delayed_event_says_when_it_may_run(delay_s: float) -> None:
    async def work(order: Order, ctx: Context) -> None:
        ctx.emit(Receipt(), delay_s=delay_s)

    (out,) = await run(work)

    assert due(out.headers, NOW) == NOW + timedelta(seconds=delay_s)
    assert header(out.headers, "ce_time") == b"2026-01-01T00:00:00Z"
    assert ids([out]) == ["c-1/emit-1"]


async def test_without_a_delay_no_header_says_so() -> None:
    async def work(order: Order, ctx: Context) -> None:
        ctx.emit(Receipt(), delay_s=0)

    (out,) = await run(work)

    assert header(out.headers, "streamagents-not-before") is None


@pytest.mark.parametrize("delay_s", [-1, -0.001, MAX_DELAY_S + 1, float("nan"), "60", None, True])
async def test_a_delay_that_is_none_is_refused_in_words(delay_s: Any) -> None:
    async def work(order: Order, ctx: Context) -> None:
        ctx.emit(Receipt(), delay_s=delay_s)

    with pytest.raises(ValueError, match=r"366 days"):
        await run(work)


@pytest.mark.parametrize("failing", [True, False])
async def test_effects_and_emissions_leave_with_the_mark_or_not_at_all(
    failing: bool,  # noqa: FBT001 - a case
) -> None:
    async def work(order: Order, ctx: Context) -> None:
        ctx.act(Note(text="first"))
        ctx.emit(Receipt())
        if failing:
            raise ValueError("no")

    bench = Bench(Scripted(work), attempts=1)
    await bench.handle(SOURCE)
    (group,) = bench.writer.committed

    topics = [out.topic for out in group.records]
    assert topics == (["order.dlq"] if failing else [ACTIONS, "receipt"])
