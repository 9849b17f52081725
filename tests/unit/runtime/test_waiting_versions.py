"""Waiting, where the next version of the application knows other agents, or some are held back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamagents.errors import RetryLater
from streamagents.pipeline.places import DELAYED, PARKED
from support.desks import OwnedBench
from support.records import Clerk, ada, registration
from support.stores import FakeStore

LATER = (("streamagents-not-before", b"2026-01-01T00:10:00Z"),)


def left(bench: OwnedBench) -> int:
    """How much waits in the state."""
    return len(dict(bench.store.scan(PARKED))) + len(dict(bench.store.scan(DELAYED)))


def next_owner(bench: OwnedBench, *agents: Any) -> OwnedBench:
    store = FakeStore(bench.durable)
    return OwnedBench(*map(registration, agents), process="p2", store=store).begin(after=bench)


class Puts:
    async def run(self, data: dict[str, Any]) -> None:
        raise RetryLater(60)


class Takes:
    def __init__(self) -> None:
        self.handled: list[Any] = []

    async def run(self, data: dict[str, Any]) -> None:
        self.handled.append(data)


@pytest.mark.parametrize("headers", [(), LATER], ids=["parked", "delayed"])
async def test_what_waits_of_a_topic_that_nobody_takes_any_more_stays_and_stops_nobody(
    headers: Any,
) -> None:
    first = OwnedBench(registration(Clerk()), registration(Puts(), "gone")).begin()
    await first.deliver(b'{"n":1}', topic="gone", headers=headers)
    await first.release()
    clerk = Clerk()
    second = next_owner(first, clerk)
    await second.deliver(*ada(1))
    await second.after(3600)
    await second.deliver(*ada(2))
    assert (clerk.handled, second.lost, left(second)) == ([1, 2], [], 1)
    await second.release()
    takes = Takes()
    store = FakeStore(second.durable)
    third = OwnedBench(registration(takes, "gone"), process="p3", store=store).begin()
    await third.after(7200)

    assert (takes.handled, left(third)) == ([{"n": 1}], 0)


class Renamed(Clerk):
    """The same agent under another name."""


async def test_a_parked_lane_goes_on_when_its_agents_class_was_renamed() -> None:
    bench = OwnedBench(registration(Clerk({1: [60]}))).begin()
    await bench.deliver(*ada(1, 2, 3))
    await bench.release()
    renamed = Renamed({1: [60]})
    again = next_owner(bench, renamed)
    for _ in range(3):
        await again.after(61)

    assert (renamed.handled, left(again), again.lost) == ([1, 2, 3], 0, [])


async def test_due_events_of_a_paused_agent_do_not_hold_up_those_of_others() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(Takes(), "mail"), registration(clerk), limit=5000).begin()
    mail = [b'{"n":%d}' % number for number in range(1100)]
    await bench.deliver(*mail, topic="mail", headers=LATER)
    await bench.deliver(*ada(1), headers=LATER)
    until = bench.clock.now() + timedelta(days=1)
    bench.worker.pauses.pause("Takes", until=until, reason="budget")
    await bench.after(3600)
    await bench.after(1)

    assert clerk.handled == [1]
    bench.worker.pauses.resume("Takes")
    for _ in range(200):
        await bench.after(1)
        if not left(bench):
            break
    assert (left(bench), len(bench.reports.of("ok"))) == (0, 1101)


async def test_a_parked_lane_of_a_paused_agent_waits_on_and_keeps_its_order() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2))
    until = bench.clock.now() + timedelta(days=1)
    bench.worker.pauses.pause("Clerk", until=until, reason="budget")
    await bench.after(60)
    await bench.deliver(*ada(3))
    assert clerk.handled == []
    assert not bench.partition.wants("order")
    bench.worker.pauses.resume("Clerk")
    await bench.after(0.25)

    assert clerk.handled == [1, 2, 3]


async def test_what_nobody_takes_any_more_does_not_hold_up_the_other_events_of_its_lane() -> None:
    """An agent served two types; the next version serves one of them."""

    class Both(Puts):
        """Goes by the name of the agent that stays."""

    Both.__name__ = Clerk.__name__
    old = OwnedBench(registration(Clerk()), registration(Both(), "refund")).begin()
    await old.deliver(b'{"type":"refund","data":{"n":1},"key":"ada"}', topic="refund")
    await old.deliver(*ada(1))
    assert left(old) == 2
    await old.release()
    clerk = Clerk()
    new = OwnedBench(registration(clerk), process="p2", store=FakeStore(old.durable)).begin(
        after=old
    )
    await new.after(60)
    await new.deliver(*ada(2))
    await new.after(60)

    assert (clerk.handled, left(new)) == ([1, 2], 1)
