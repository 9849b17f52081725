"""Waiting: a lane whose head is put off waits in the state, in order, across owners."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamagents.errors import Reject
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.places import MARKS, PARKED
from streamagents.pipeline.wait import MAX_PARKED
from streamagents.testing.clock import FakeClock
from support.desks import OwnedBench
from support.records import Clerk, Order, ada, bob, registration, turns
from support.stores import FakeStore


def owned(clerk: Any, *, after: OwnedBench | None = None, **more: Any) -> OwnedBench:
    """An owner of the partition; `after` another whose state it finds."""
    store = None if after is None else FakeStore(after.durable)
    process = "p1" if after is None else after.worker.process + "'"
    return OwnedBench(registration(clerk), process=process, store=store, **more).begin(after=after)


def parked(bench: OwnedBench) -> int:
    return len(dict(bench.store.scan(PARKED)))


async def test_events_behind_a_parked_head_wait_and_run_in_order() -> None:
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2, 3), *bob(100))
    assert (clerk.handled, parked(bench)) == ([100], 3)
    await bench.deliver(*ada(4))
    await bench.after(59)
    assert clerk.handled == [100]
    await bench.after(1)

    assert clerk.handled == [100, 1, 2, 3, 4]
    assert (parked(bench), bench.lost) == (0, [])


async def test_offsets_move_on_while_a_lane_is_parked() -> None:
    bench = owned(Clerk({1: [60]}))
    await bench.deliver(*ada(1, 2), *bob(3))

    assert bench.partition.positions() == {"order": 3}
    assert bench.reports.outcomes.count("parked") == 1
    assert bench.reports.of("ok") == [2]


async def test_a_head_that_puts_itself_off_again_and_again_stays_ahead() -> None:
    clerk = Clerk({1: [60] * 5, 2: [60] * 2})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2, 3))
    for _ in range(6):
        await bench.after(61)
    assert clerk.handled == [1]
    for _ in range(2):
        await bench.after(61)

    assert clerk.handled == [1, 2, 3]
    assert [info.attempt for info in clerk.calls] == [1] * 10
    assert (parked(bench), bench.reports.of("parked")) == (0, [0] * 5 + [1] * 2)


async def test_events_that_come_while_a_parked_lane_runs_stay_behind_it() -> None:
    clerk = Clerk({1: [60, 60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2))
    bench.clock.advance(60)
    bench.partition.tick()
    bench.poll(*ada(3))  # in the same moment
    await bench.deliver(*ada(4))
    assert clerk.handled == []
    await bench.after(60)

    assert clerk.handled == [1, 2, 3, 4]


@pytest.mark.parametrize("error", [ValueError("no"), Reject("never")])
async def test_a_head_that_ends_as_a_letter_lets_those_behind_it_run(error: Exception) -> None:
    clerk = Clerk({1: [60, error, error, error], 3: [error] * 3})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2, 3, 4))
    await bench.after(60)

    assert clerk.handled == [2, 4]
    assert [out.topic for out in bench.records] == ["order.dlq"] * 2
    assert sorted(bench.reports.of("dead_lettered")) == [0, 2]
    assert parked(bench) == 0


async def test_the_next_owner_finds_the_lane_and_its_order() -> None:
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2))
    await bench.release()
    again = owned(clerk, after=bench)
    await again.deliver(*ada(3), *bob(9))
    assert (clerk.handled, parked(again)) == ([9], 3)
    await again.after(60)

    assert clerk.handled == [9, 1, 2, 3]
    assert parked(again) == 0


async def test_a_lane_whose_owner_died_in_its_middle_goes_on_where_it_was() -> None:
    first = Clerk({1: [60], 3: [60]})
    bench = owned(first)
    await bench.deliver(*ada(1, 2, 3, 4))
    await bench.after(60)
    assert (first.handled, parked(bench)) == ([1, 2], 2)
    await bench.partition.close()  # as a process that is killed: nothing is written any more
    second = Clerk()
    again = owned(second, after=bench)
    await again.after(60)

    assert second.handled == [3, 4]


async def test_who_dies_while_a_parked_head_runs_was_in_a_death_and_is_told() -> None:
    class Hangs(Clerk):
        async def run(self, order: Order, ctx: Any) -> None:
            await super().run(order, ctx)
            await asyncio.Event().wait()

    bench = owned(Hangs({1: [60]}))
    await bench.deliver(*ada(1, 2))
    await bench.after(60)
    await bench.partition.close()
    clerk = Clerk()
    again = owned(clerk, after=bench)
    await again.after(0)

    assert clerk.handled == [1, 2]
    assert [info.interrupted for info in clerk.calls] == [True, False]


async def test_a_parked_events_mark_says_so_and_no_longer_when_it_has_run() -> None:
    clerk = Clerk({1: [60, ValueError("no")]})
    bench = owned(clerk)
    await bench.deliver(*ada(1))

    def mark() -> Mark:
        (raw,) = dict(bench.store.scan(MARKS)).values()
        return Mark.decode(raw)

    assert (mark().status, mark().history.parked, mark().attempts) == (Status.WAITING, True, 0)
    await bench.after(60)

    assert (mark().status, mark().history.parked) == (Status.DONE, False)
    assert [info.attempt for info in clerk.calls] == [1, 1, 2]


async def test_an_event_without_a_key_waits_alone() -> None:
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(b'{"amount":1}', b'{"amount":2}', b'{"amount":3}')
    assert clerk.handled == [2, 3]
    await bench.after(60)

    assert clerk.handled == [2, 3, 1]


async def test_events_of_all_types_of_an_agent_wait_behind_its_parked_head() -> None:
    """An agent and a key are one lane, whichever topic an event came from."""

    class Both(Clerk):
        """Its twin takes raw data of another type."""

    clerk = Both({1: [60]})

    class Raw:
        async def run(self, data: dict[str, Any]) -> None:
            clerk.handled.append(data["amount"])

    Raw.__name__ = "Both"
    bench = OwnedBench(registration(clerk), registration(Raw(), "refund")).begin()
    await bench.deliver(*ada(1))
    await bench.deliver(b'{"type":"refund","data":{"amount":2},"key":"ada"}', topic="refund")
    await bench.deliver(*ada(3))
    await bench.deliver(b'{"type":"refund","data":{"amount":9},"key":"bob"}', topic="refund")
    assert clerk.handled == [9]
    await bench.after(60)

    assert clerk.handled == [9, 1, 2, 3]


async def test_a_full_partition_is_paused_until_what_waits_has_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamagents.runtime.waiting.MAX_PARKED", 4)
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2, 3))
    assert bench.partition.wants("order")
    await bench.deliver(*ada(4))
    assert not bench.partition.wants("order")
    await bench.deliver(*ada(5))  # was under way: kept all the same
    await bench.after(60)

    assert bench.partition.wants("order")
    assert clerk.handled == [1, 2, 3, 4, 5]


async def test_a_new_owner_knows_that_the_partition_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamagents.runtime.waiting.MAX_PARKED", 2)
    bench = owned(Clerk({1: [60]}))
    await bench.deliver(*ada(1, 2))
    await bench.release()

    assert not owned(Clerk(), after=bench).partition.wants("order")


def test_ten_thousand_wait_before_a_partition_is_paused() -> None:
    assert MAX_PARKED == 10_000


async def test_a_clock_that_is_set_back_makes_a_lane_wait_longer_and_forgets_nothing() -> None:
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2))
    bench.clock._passed_s -= 3600  # as an operator may set it
    await bench.after(60)
    assert clerk.handled == []
    await bench.after(3600)

    assert clerk.handled == [1, 2]


async def test_a_clock_that_jumps_forward_brings_every_lane_back_at_once() -> None:
    clerk = Clerk({1: [60], 5: [86_000]})
    bench = owned(clerk)
    await bench.deliver(*ada(1, 2), *bob(5, 6))
    await bench.after(10**8)

    assert sorted(clerk.handled) == [1, 2, 5, 6]


async def test_a_released_partition_begins_with_nothing_that_waits() -> None:
    clerk = Clerk({1: [60]})
    bench = owned(clerk)
    await bench.deliver(*ada(1))
    await bench.release()
    await bench.after(60)

    assert (clerk.handled, len(clerk.calls), parked(bench)) == ([], 1, 1)


async def test_many_that_are_due_at_once_leave_the_loop_its_turns() -> None:
    def later() -> float:
        bench.clock.advance(0.004)  # of work between two looks
        return FakeClock.monotonic(bench.clock)

    clerk = Clerk({n: [60] for n in range(40)})
    bench = OwnedBench(registration(clerk, in_flight=100)).begin()
    await bench.deliver(*(b'{"customer":"c%d","amount":%d}' % (n, n) for n in range(40)))
    assert (parked(bench), clerk.handled) == (40, [])
    bench.clock.advance(60)
    bench.clock.monotonic = later  # type: ignore[method-assign]
    bench.partition.tick()
    for _ in range(20):
        if clerk.handled:
            break
        await asyncio.sleep(0)
    assert 0 < len(clerk.handled) < 20
    await turns(100)

    assert sorted(clerk.handled) == [*range(40)]
    assert (parked(bench), bench.lost) == (0, [])
