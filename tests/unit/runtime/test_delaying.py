"""Delaying: an event with a time to come waits in the state, holds nobody up, and runs once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.events.envelope import header
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.places import DELAYED, MARKS, PARKED
from support.desks import OwnedBench
from support.records import Clerk, Order, Scripted, ada, record, registration
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context


def until(minutes: int, **more: bytes) -> Any:
    name = "streamagents-not-before"
    return ((name, b"2026-01-01T00:%02d:00Z" % minutes), *more.items())


def counts(bench: OwnedBench) -> tuple[int, int]:
    """Delayed, and parked."""
    return len(dict(bench.store.scan(DELAYED))), len(dict(bench.store.scan(PARKED)))


async def test_an_event_runs_when_its_time_has_come() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(599)
    assert (clerk.handled, counts(bench)) == ([], (1, 0))
    await bench.after(1)

    assert (clerk.handled, counts(bench)) == ([1], (0, 0))
    assert bench.reports.outcomes == ["received", "delayed", "started", "ok"]


async def test_it_holds_neither_its_key_nor_its_offset() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.deliver(*ada(2))

    assert (clerk.handled, bench.partition.positions()) == ([2], {"order": 2})


async def test_it_is_only_told_as_delayed_when_that_is_durable() -> None:
    bench = OwnedBench(registration(Clerk())).begin()
    await bench.deliver(*ada(9))
    bench.writer.holds = True
    await bench.deliver(*ada(1), headers=until(10))
    assert "delayed" not in bench.reports.outcomes
    assert bench.partition.positions() == {"order": 1}
    bench.writer.commit()

    assert "delayed" in bench.reports.outcomes
    assert bench.partition.positions() == {"order": 2}


async def test_what_is_not_durable_yet_does_not_run_though_it_is_due() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(9))
    bench.writer.holds = True
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(3600)
    assert clerk.handled == [9]
    bench.writer.holds = False
    bench.writer.commit()
    await bench.after(1)

    assert clerk.handled == [9, 1]


async def test_the_next_owner_runs_it() -> None:
    bench = OwnedBench(registration(Clerk())).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.release()
    clerk = Clerk()
    store = FakeStore(bench.durable)
    again = OwnedBench(registration(clerk), process="p2", store=store).begin(after=bench)
    await again.after(600)

    assert (clerk.handled, counts(again)) == ([1], (0, 0))


async def test_a_delayed_event_is_marked_before_it_runs() -> None:
    """Its offset has moved on: no intent covers it, and a death must be counted."""
    seen: list[Status] = []
    bench: OwnedBench

    async def look(order: Order, ctx: Context) -> None:
        seen.extend(Mark.decode(raw).status for raw in dict(bench.store.scan(MARKS)).values())

    bench = OwnedBench(registration(Scripted(look))).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(600)

    assert seen == [Status.RUNNING]


async def test_a_delayed_event_whose_lane_is_parked_waits_behind_it() -> None:
    clerk = Clerk({1: [1200]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(2), headers=until(10))
    await bench.deliver(*ada(1))
    assert counts(bench) == (1, 1)
    await bench.after(600)
    assert (clerk.handled, counts(bench)) == ([], (0, 2))
    await bench.deliver(*ada(3))
    await bench.after(600)

    assert (clerk.handled, counts(bench)) == ([1, 2, 3], (0, 0))


async def test_a_delayed_event_may_be_put_off_like_any_other() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(600)
    assert counts(bench) == (0, 1)
    await bench.deliver(*ada(2))
    await bench.after(60)

    assert (clerk.handled, counts(bench)) == ([1, 2], (0, 0))


async def test_a_delayed_event_that_fails_is_a_letter_and_gone() -> None:
    clerk = Clerk({1: [ValueError("no")]})
    bench = OwnedBench(registration(clerk, attempts=1)).begin()
    await bench.deliver(*ada(1), headers=until(10, ce_id=b"c-1"))
    await bench.after(600)
    (letter,) = bench.records

    assert (letter.topic, letter.value) == ("order.dlq", ada(1)[0])
    assert header(letter.headers, "streamagents-not-before") is not None
    assert header(letter.headers, "__streams.errors.offset") == b"0"
    assert counts(bench) == (0, 0)


async def test_a_letter_of_a_delayed_event_is_replayed_at_once() -> None:
    clerk = Clerk({1: [ValueError("no")]})
    bench = OwnedBench(registration(clerk, attempts=1)).begin()
    await bench.deliver(*ada(1), headers=until(10, ce_id=b"c-1"))
    await bench.after(600)
    headers = (*bench.records[0].headers, ("streamagents-replay-count", b"1"))
    await bench.deliver(*ada(1), headers=headers)

    assert clerk.handled == [1]


async def test_of_two_of_one_id_the_second_is_a_duplicate_whatever_their_times() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=until(10, ce_id=b"c-1"))
    await bench.deliver(*ada(1), headers=until(5, ce_id=b"c-1"))
    await bench.after(3600)
    await bench.deliver(*ada(1), headers=until(1, ce_id=b"c-1"))

    assert clerk.handled == [1]
    assert sorted(bench.reports.of("duplicate")) == [0, 2]
    assert counts(bench) == (0, 0)


async def test_events_run_in_the_order_of_their_times() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    for minutes in (30, 10, 20):
        await bench.deliver(*ada(minutes), headers=until(minutes))
    await bench.after(3600)

    assert clerk.handled == [10, 20, 30]


async def test_what_an_agent_emits_with_a_delay_is_delayed_by_whoever_takes_it() -> None:
    async def follow_up(order: Order, ctx: Context) -> None:
        if order.amount == 1:
            ctx.emit(Order(customer="ada", amount=2), delay_s=600)

    agent = Scripted(follow_up)
    bench = OwnedBench(registration(agent)).begin()
    await bench.deliver(*ada(1))
    (out,) = bench.records
    assert out.value is not None
    await bench.deliver(out.value, headers=out.headers)
    assert (len(agent.calls), counts(bench)) == (1, (1, 0))
    await bench.after(600)

    assert (len(agent.calls), counts(bench)) == (2, (0, 0))
    assert agent.calls[1].id == "order:0:0/emit-1"


@pytest.mark.parametrize("minutes", [0, -1])
async def test_a_time_that_has_come_delays_nothing(minutes: int) -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    bench.clock.advance(60)
    await bench.deliver(*ada(1), headers=until(1 + minutes))

    assert (clerk.handled, bench.reports.of("delayed")) == ([1], [])


async def test_a_time_that_is_none_makes_a_letter_where_it_lies() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=(("streamagents-not-before", b"soon"),))
    (letter,) = bench.records

    assert header(letter.headers, "streamagents-error-code") == b"invalid"
    assert (clerk.handled, bench.partition.positions()) == ([], {"order": 1})


async def test_a_release_gives_a_due_event_back_and_it_runs_with_the_next_owner() -> None:
    async def hang(order: Order, ctx: Context) -> None:
        await asyncio.Event().wait()

    bench = OwnedBench(registration(Scripted(hang))).begin()
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(600)
    await bench.release()
    assert counts(bench) == (1, 0)
    clerk = Clerk()
    store = FakeStore(bench.durable)
    again = OwnedBench(registration(clerk), process="p2", store=store).begin(after=bench)
    await again.after(0)

    assert (clerk.handled, [info.interrupted for info in clerk.calls]) == ([1], [True])
    assert [info.attempt for info in clerk.calls] == [1]


async def test_the_place_of_a_delayed_event_is_that_of_its_record() -> None:
    bench = OwnedBench(registration(Scripted())).begin()
    source = record(ada(1)[0], offset=0)
    await bench.deliver(*ada(1), headers=until(10))
    await bench.after(600)
    report = bench.reports.all[-1]

    assert (report.topic, report.partition, report.offset) == (source.topic, 0, 0)
    assert report.event_id == "order:0:0"
