"""An owned partition: what it wants, what it may commit, and how it is given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from faust.types import TP

from streamagents.pipeline.expiry import Lifetime
from streamagents.pipeline.mark import NewerFormatError
from streamagents.pipeline.places import MARKS, PARKED, parked_key
from streamagents.runtime.intent import NOTHING, Intent, intent_key
from streamagents.runtime.seam import Poll
from streamagents.topics import INBOX
from support.desks import SEEK, OwnedBench
from support.records import (
    Anything,
    Clerk,
    Order,
    Scripted,
    ada,
    bob,
    orders,
    registration,
    turns,
)
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context


class Mail(Anything):
    """An agent of another topic."""


async def hang(order: Order, ctx: Context) -> None:
    await asyncio.Event().wait()


def pause(bench: OwnedBench, agent: str) -> None:
    until = bench.clock.now() + timedelta(days=1)
    bench.worker.pauses.pause(agent, until=until, reason="budget")


async def test_nothing_is_wanted_before_the_state_is_open() -> None:
    bench = OwnedBench()

    assert not bench.partition.wants("order")
    await bench.deliver(b"{}")
    assert bench.reports.all == []
    assert bench.begin().partition.wants("order")


async def test_a_topic_that_is_not_ours_is_neither_wanted_nor_taken() -> None:
    bench = OwnedBench().begin()
    assert not bench.partition.wants("other")
    bench.partition.take(Poll(TP("other", 0), orders(0), 0, 1, SEEK))
    bench.partition.committed("other", 5)
    await turns()

    assert (bench.reports.all, bench.partition.positions(), bench.lost) == ([], {}, [])


async def test_each_topic_is_full_for_itself() -> None:
    bench = OwnedBench(registration(Scripted(hang)), registration(Mail(), "mail"), limit=2).begin()
    await bench.deliver(*ada(1, 2))

    assert (bench.partition.wants("order"), bench.partition.wants("mail")) == (False, True)
    await bench.release()


async def test_the_topics_of_a_paused_agent_are_not_wanted_and_no_others() -> None:
    bench = OwnedBench(registration(Scripted()), registration(Mail(), "mail")).begin()
    pause(bench, "Mail")

    assert (bench.partition.wants("order"), bench.partition.wants("mail")) == (True, False)
    bench.worker.pauses.resume("Mail")
    assert bench.partition.wants("mail")


async def test_a_paused_fallback_does_not_stop_the_inbox_from_forwarding() -> None:
    bench = OwnedBench(inbox=True).begin()
    pause(bench, Anything.__name__)
    assert bench.partition.wants(INBOX)
    await bench.deliver(
        b'{"type":"complaint","data":{}}', b'{"type":"order","data":{}}', topic=INBOX
    )

    assert [out.topic for out in bench.records] == ["order"]
    assert bench.reports.of("started") == []
    bench.worker.pauses.resume(Anything.__name__)
    await turns()
    assert bench.reports.of("ok") == [0]


async def test_a_missing_poll_costs_the_partition() -> None:
    bench = OwnedBench().begin()
    await bench.deliver(*ada(1))
    bench.partition.take(Poll(TP("order", 0), orders(5), 5, 6, SEEK))

    assert ["a poll is missing" in str(error) for error in bench.lost] == [True]


async def test_a_defect_in_a_lane_costs_the_partition() -> None:
    bench = OwnedBench().begin()
    await bench.deliver(*bob(1))

    def defect(key: bytes) -> Any:
        raise ZeroDivisionError

    bench.partition._settling.mark = defect  # type: ignore[method-assign] # on purpose
    await bench.deliver(*ada(1))

    assert [type(error) for error in bench.lost] == [ZeroDivisionError]


async def test_positions_are_told_where_they_moved() -> None:
    bench = OwnedBench(registration(Scripted()), registration(Mail(), "mail")).begin()
    await bench.deliver(*ada(1, 2))
    assert bench.partition.positions() == {"order": 2}
    bench.partition.committed("order", 2)
    assert bench.partition.positions() == {}
    await bench.deliver(b"{}", topic="mail")

    assert bench.partition.positions() == {"mail": 1}


async def test_a_release_takes_the_intents_back() -> None:
    bench = OwnedBench().begin()
    await bench.deliver(*ada(1))
    assert Intent.decode(bench.durable[intent_key("order")]).high > 0
    await bench.release()

    assert Intent.decode(bench.durable[intent_key("order")]).high == NOTHING
    assert not bench.partition.wants("order")


async def test_a_release_waits_for_running_agents_as_long_as_it_may() -> None:
    go = asyncio.Event()

    async def wait(order: Order, ctx: Context) -> None:
        await go.wait()

    bench = OwnedBench(registration(Scripted(wait), in_flight=1)).begin()
    await bench.deliver(*ada(1), *bob(2), *ada(3))
    release = asyncio.ensure_future(bench.partition.release(60, asyncio.Event()))
    await turns()
    assert not release.done()
    go.set()
    await asyncio.wait_for(release, 5)

    assert bench.reports.of("ok") == [0]
    assert bench.partition.positions() == {"order": 1}


async def test_an_agent_that_has_only_just_begun_has_the_same_grace() -> None:
    go = asyncio.Event()

    async def wait(order: Order, ctx: Context) -> None:
        await go.wait()

    bench = OwnedBench(registration(Scripted(None, wait))).begin()
    await bench.deliver(*bob(1))
    release = asyncio.ensure_future(bench.partition.release(60, asyncio.Event()))
    bench.poll(*ada(2))  # its first step runs now, the rest of it behind the release's
    await turns()
    assert not release.done()
    go.set()
    await asyncio.wait_for(release, 5)

    assert bench.reports.of("ok") == [0, 1]


async def test_whoever_is_in_a_hurry_ends_the_grace() -> None:
    hurry = asyncio.Event()
    bench = OwnedBench(registration(Scripted(hang))).begin()
    await bench.deliver(*ada(1))
    release = asyncio.ensure_future(bench.partition.release(60, hurry))
    await turns()
    assert not release.done()
    hurry.set()
    await asyncio.wait_for(release, 5)

    assert bench.reports.of("released") == [0]
    assert bench.partition.positions() == {}


async def test_of_a_parked_lane_that_runs_nothing_more_begins_at_a_release() -> None:
    go = asyncio.Event()

    class Slow(Clerk):
        async def run(self, order: Order, ctx: Context) -> None:
            await super().run(order, ctx)
            await go.wait()

    clerk = Slow({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2, 3))
    await bench.after(60)
    release = asyncio.ensure_future(bench.partition.release(60, asyncio.Event()))
    await turns()
    go.set()
    await asyncio.wait_for(release, 5)

    assert (clerk.handled, bench.lost) == ([1], [])
    assert len(dict(bench.store.scan(PARKED))) == 2


async def test_what_is_taken_in_while_a_partition_is_released_does_not_begin() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    bench.writer.holds = True
    await bench.deliver(*ada(1))  # its intent is not durable yet
    release = asyncio.ensure_future(bench.release())
    await turns()
    bench.writer.holds = False
    bench.writer.commit()
    await asyncio.wait_for(release, 5)

    assert (clerk.calls, bench.partition.positions()) == ([], {})


async def test_a_closed_partition_writes_nothing_and_lets_go_of_its_state() -> None:
    bench = OwnedBench(registration(Scripted(hang))).begin()
    await bench.deliver(*ada(1))
    before = dict(bench.durable)
    await bench.partition.close()
    await turns()

    assert (bench.durable, bench.lost) == (before, [])
    assert bench.writer.closed
    assert list(bench.store.scan(b"")) == []


async def test_a_closed_partition_does_not_tick() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1))
    await bench.partition.close()
    await bench.after(3600)

    assert (len(clerk.calls), bench.lost) == (1, [])


@pytest.mark.parametrize(
    ("end", "left"), [(0, 0), (2, 0), (3, 2), (None, 2)], ids=["0", "2", "3", "not known"]
)
async def test_a_tick_forgets_what_has_expired_and_cannot_come_again(
    end: int | None, left: int
) -> None:
    bench = OwnedBench(lifetimes={"order": Lifetime(100, 100)}).begin()
    bench.end = end
    await bench.deliver(*ada(1, 2))
    assert len(dict(bench.store.scan(MARKS))) == 2
    await bench.after(50)
    assert len(dict(bench.store.scan(MARKS))) == 2
    await bench.after(52)

    assert len(dict(bench.store.scan(MARKS))) == left


@pytest.mark.parametrize(
    "rows", [{intent_key("order"): b"\x02{}"}, {parked_key(bytes(16), 1): b"\x02" + bytes(60)}]
)
async def test_a_newer_format_stops_the_worker_before_anything_is_taken_in(rows: Any) -> None:
    bench = OwnedBench(store=FakeStore(rows))
    with pytest.raises(NewerFormatError):
        bench.begin()

    assert not bench.partition.wants("order")


async def test_a_new_owner_is_careful_with_what_a_dead_one_had_in_reach() -> None:
    bench = OwnedBench(registration(Scripted(hang))).begin()
    await bench.deliver(*ada(1))
    await bench.partition.close()
    clerk = Clerk()
    again = OwnedBench(registration(clerk), process="p2", store=FakeStore(bench.durable)).begin()
    await again.deliver(*ada(1), *bob(2))

    assert [info.interrupted for info in clerk.calls] == [True, True]
    assert clerk.handled == [1, 2]
