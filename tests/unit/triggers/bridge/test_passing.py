"""From a queue to our broker: what is told to the queue, and when."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamagents import Event
from streamagents.agents import build_registry
from streamagents.errors import QueueError, TopicsError
from streamagents.testing import FakeClock, MemoryBus, MemoryQueue
from streamagents.topics import INBOX, Layout
from streamagents.triggers.bridge import Bridge
from streamagents.triggers.bridge.passing import HOLD_S, Passing
from streamagents.triggers.bridge.translation import Translation
from streamagents.triggers.inbound import Inbound
from streamagents.triggers.sending import Sender
from support import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import Message


class Sale(Event, topic="sale", id=None):
    n: int


class Nobody:
    async def run(self, event: dict[str, Any]) -> None: ...


@dataclass
class Bridged:
    queue: MemoryQueue
    bus: MemoryBus
    clock: FakeClock
    passing: Passing

    def sent(self) -> list[int]:
        return [json.loads(record.value or b"")["n"] for record in self.bus.records("sale")]

    async def until(self, condition: Any) -> None:
        """Run it until something holds, then stop it."""
        running = asyncio.create_task(self.passing.run())
        try:
            await wait_until_async(lambda: condition() or running.done())
        finally:
            self.passing.stop()
            await running


def bridged(queue: MemoryQueue | None = None, **options: Any) -> Bridged:
    queue, clock = queue or MemoryQueue(), FakeClock()
    bus = MemoryBus({"sale": 1, INBOX: 1}, clock=clock, **options)
    bridge = Bridge("old", queue, to=Sale)
    registry = build_registry({}, fallback=Nobody(), emits=[Sale])
    inbound = Inbound(registry=registry, layout=Layout(), clock=clock, source=bridge.source)
    translation = Translation(bridge, inbound, Sale)
    passing = Passing(bridge, queue, translation, Sender(bus, clock), clock)
    return Bridged(queue, bus, clock, passing)


def put(queue: MemoryQueue, numbers: Sequence[int]) -> None:
    for n in numbers:
        queue.put(b'{"n": %d}' % n)


async def test_all_messages_are_passed_on_in_order_and_taken_off() -> None:
    it = bridged()
    put(it.queue, range(1200))

    await it.until(lambda: not it.queue.left)

    assert it.sent() == list(range(1200))
    assert it.passing.counts.passed == 1200


async def test_poison_is_told_of_in_the_inbox_and_the_others_pass() -> None:
    it = bridged()
    put(it.queue, [1])
    it.queue.put(b"\xff")
    put(it.queue, [2])

    await it.until(lambda: not it.queue.left)

    assert it.sent() == [1, 2]
    assert len(it.bus.records(INBOX)) == 1
    assert it.passing.counts.unmapped == 1


async def test_nothing_is_taken_off_before_our_broker_has_it_and_it_is_held_meanwhile() -> None:
    it = bridged()
    put(it.queue, [1, 2])
    it.bus.available = False
    running = asyncio.create_task(it.passing.run())

    for _ in range(int(HOLD_S) + 2):
        await wait_until_async(lambda: it.clock.next_wake_s is not None)
        it.clock.advance(1)
        for _ in range(5):
            await asyncio.sleep(0)
    assert it.queue.left == ["memory:0", "memory:1"]
    assert it.queue.held == ["memory:0", "memory:1"]
    it.bus.available = True
    it.clock.advance(1)
    await wait_until_async(lambda: not it.queue.left)
    it.passing.stop()
    await running

    assert it.sent() == [1, 2]


async def test_a_queue_that_is_away_is_waited_for() -> None:
    it = bridged()
    put(it.queue, [1])
    it.queue.available = False
    running = asyncio.create_task(it.passing.run())
    waits = []

    for _ in range(7):
        await wait_until_async(lambda: it.clock.next_wake_s is not None)
        waits.append(it.clock.next_wake_s or 0)
        it.clock.advance(waits[-1])
        await asyncio.sleep(0)
    it.queue.available = True
    await wait_until_async(lambda: it.clock.next_wake_s is not None or not it.queue.left)
    it.clock.advance(it.clock.next_wake_s or 0)
    await wait_until_async(lambda: not it.queue.left)
    it.passing.stop()
    await running

    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert it.sent() == [1]


class Forgetful(MemoryQueue):
    """Fails once to take off what is done."""

    failed = False

    async def done(self, messages: Sequence[Message]) -> None:
        if not self.failed:
            self.failed = True
            await self.close()
            raise QueueError("not now")
        await super().done(messages)


async def test_what_could_not_be_taken_off_comes_again_under_the_same_id() -> None:
    it = bridged(Forgetful())
    put(it.queue, [1])

    await it.until(lambda: not it.queue.left)

    ids = [dict(record.headers)["ce_id"] for record in it.bus.records("sale")]
    assert ids == [b"memory:0", b"memory:0"]


class Refusing(MemoryQueue):
    async def receive(self, limit: int) -> Sequence[Message]:
        raise QueueError("The password is wrong.", lasting=True)


class Deaf(MemoryQueue):
    """Hears at the third time that something is done."""

    told = 0

    async def done(self, messages: Sequence[Message]) -> None:
        self.told += 1
        if self.told < 3:
            raise QueueError("not now")
        await super().done(messages)


async def test_the_last_messages_are_taken_off_although_none_follows() -> None:
    it = bridged(Deaf())
    put(it.queue, [1, 2])

    await it.until(lambda: not it.queue.left)

    assert it.sent() == [1, 2]


async def test_a_queue_that_refuses_us_ends_it() -> None:
    with pytest.raises(QueueError, match="password is wrong"):
        await bridged(Refusing()).passing.run()


async def test_a_queue_that_is_away_is_told_with_its_reason_until_it_is_back() -> None:
    it = bridged()
    assert it.passing.away == "it has not answered yet"
    put(it.queue, [1])
    await it.until(lambda: it.sent() == [1])
    assert it.passing.away == ""

    it = bridged(Absent())
    await it.until(lambda: it.passing.away == "The server is away.")
    assert it.passing.away_at == it.clock.monotonic()


class Absent(MemoryQueue):
    async def receive(self, limit: int) -> Sequence[Message]:
        raise QueueError("The server is away.")


async def test_a_message_that_our_broker_does_not_take_is_told_of_by_its_place() -> None:
    it = bridged(max_record_bytes=250)
    put(it.queue, [1])
    it.queue.put(b'{"n": 2, "x": "%s"}' % (b"y" * 300))
    put(it.queue, [3])

    await it.until(lambda: not it.queue.left)

    assert sorted(set(it.sent())) == [1, 3]  # the bus does not say which it refused
    (told,) = it.bus.records(INBOX)
    assert json.loads(told.value or b"")["id"] == "memory:1"
    assert (it.passing.counts.passed, it.passing.counts.unmapped) == (2, 1)


async def test_a_missing_topic_ends_it() -> None:
    it = bridged()
    it.bus._topics.pop("sale")
    put(it.queue, [1])

    with pytest.raises(TopicsError, match="topics apply"):
        await it.passing.run()
