"""What a state partition shows of itself: in hand, quiet, held, parked, delayed, remembered."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.places import delayed_key
from streamagents.runtime import census
from streamagents.runtime.endings import Endings
from streamagents.runtime.limits import Limits
from streamagents.runtime.probing import BrokerProbe
from streamagents.runtime.shown import Shown
from support import wait_until_async
from support.desks import OwnedBench
from support.records import Clerk, Order, ada, bob, registration, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.agents import Context
    from streamagents.ops.view import SourceView


class Gated:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def run(self, order: Order, ctx: Context) -> None:
        await self.gate.wait()


def shown(bench: OwnedBench) -> Shown:
    found = Shown()
    bench.partition.show(found)
    return found


def order_of(bench: OwnedBench) -> SourceView:
    (source,) = (source for source in shown(bench).sources if source.topic == "order")
    return source


def owned(agent: Any, **more: Any) -> OwnedBench:
    return OwnedBench(registration(agent), **more).begin()


async def test_nothing_is_shown_of_what_is_not_open() -> None:
    assert shown(OwnedBench()).sources == []


async def test_what_runs_is_in_hand_and_grows_old() -> None:
    agent = Gated()
    bench = owned(agent)
    await bench.deliver(*ada(1), *bob(2))
    assert order_of(bench).oldest_s == 0
    bench.clock.advance(40)

    source = order_of(bench)
    assert (source.in_flight, source.running, source.oldest_s) == (2, 2, 40)
    assert source.quiet_s == 40
    assert bench.worker.gate.running_by_agent() == {"Gated": 2}
    agent.gate.set()
    await turns(60)
    source = order_of(bench)
    assert (source.in_flight, source.running, source.oldest_s, source.quiet_s) == (0, 0, 0, 0)


async def test_an_agent_that_is_held_back_is_shown_with_the_reason() -> None:
    bench = owned(Clerk({}))
    until = bench.clock.now() + timedelta(days=1)
    bench.worker.pauses.pause("Clerk", until=until, reason="its budget is spent")

    assert order_of(bench).held == "its budget is spent"


async def test_what_is_parked_is_counted_by_agent_also_by_the_next_owner() -> None:
    bench = owned(Clerk({1: [60], 4: [60]}))
    await bench.deliver(*ada(1, 2, 3), *bob(4))
    assert shown(bench).parked == {"Clerk": 4}

    store = FakeStore(bench.durable)
    successor = OwnedBench(registration(Clerk({})), process="p2", store=store).begin(after=bench)
    assert shown(successor).parked == {"Clerk": 4}
    await successor.after(61)
    assert not +shown(successor).parked


def marks(count: int, topic: str) -> dict[bytes, bytes]:
    return {seen_key(topic, "", f"i-{n}", b"k"): b"" for n in range(count)}


def test_a_census_counts_by_topic_in_slices_and_begins_anew() -> None:
    store = FakeStore({**marks(700, "order"), **marks(20, "mail"), b"s\0step": b""})
    count = census.marks(store)
    count.look()
    assert count.counts == {}
    count.look()
    assert count.counts == {"order": 700, "mail": 20}
    store.durable.clear()
    for _ in range(30):
        count.look()
    assert count.counts == {}


def test_a_small_census_is_right_at_every_look() -> None:
    store = FakeStore()
    count = census.delayed(store)
    for number in range(5):
        count.look()
        assert count.counts == Counter({"order": number} if number else {})
        store.durable[delayed_key(number, "order", number)] = b""


async def test_what_outlives_its_limit_is_overdue_until_it_ends() -> None:
    limits, over = Limits(), asyncio.Event()

    async def deaf() -> None:
        with limits.limit(0.01, "Deaf"):
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    continue

    task = asyncio.create_task(deaf())
    assert limits.overdue() == []
    await wait_until_async(limits.overdue)
    ((who, seconds),) = limits.overdue()
    assert (who, seconds >= 0) == ("Deaf", True)
    over.set()
    await asyncio.wait([task])
    assert limits.overdue() == []


def test_endings_count_those_that_came_without_a_word(tmp_path: Path) -> None:
    def process(*, clean: bool) -> int:
        endings = Endings()
        endings.begin(tmp_path)
        if clean:
            endings.end()
        return endings.crashes

    assert [process(clean=c) for c in (True, False, False, True, True)] == [0, 0, 1, 2, 2]
    (tmp_path / "ending").write_text("")  # a kill at the wrong moment
    assert process(clean=True) == 0


def test_endings_without_a_folder_or_a_disk_harm_nothing(tmp_path: Path) -> None:
    Endings().end()
    endings = Endings()
    endings.begin(tmp_path / "gone")
    endings.end()

    assert endings.crashes == 0


def test_a_topic_is_missing_when_three_answers_say_so() -> None:
    probe = BrokerProbe("127.0.0.1:1")
    for existing in ({"mail"}, {"mail"}, {"order", "mail"}, {"mail"}, {"mail"}):
        probe._saw(["order", "mail"], existing)
        assert not probe.missing
    probe._saw(["order", "mail"], {"mail"})

    assert list(probe.missing) == ["order"]
    probe._saw(["order", "mail"], {"order", "mail"})
    assert list(probe.missing) == []
