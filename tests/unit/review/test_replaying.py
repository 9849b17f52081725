"""Replaying: batches that are all there or not, and a result that is true whatever happens."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import BrokerUnavailableError
from streamagents.review.desk import Desk
from streamagents.review.filters import Filter
from streamagents.review.plan import Surroundings, Terms, decide
from streamagents.review.replaying import Replayer
from streamagents.testing import FakeClock, MemoryBus
from streamagents.topics import LETTERS, Layout
from support.post import TOPICS, ours
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import Outgoing
    from streamagents.review.replaying import Result

AROUND = Surroundings(topics=TOPICS, group="shop", consumed=frozenset({"order"}))
DECIDE = partial(decide, terms=Terms(), around=AROUND)


class Counting(MemoryBus):
    """A bus that notes its batches, and leaves after some."""

    def __init__(self, *, batches: int = 1_000_000, **options: Any) -> None:
        super().__init__(TOPICS, **options)
        self.batches: list[int] = []
        self._most = batches

    async def send_together(self, records: Sequence[Outgoing]) -> None:
        if len(self.batches) == self._most:
            raise BrokerUnavailableError("gone")
        await super().send_together(records)
        self.batches.append(len(records))


async def desk_of(bus: MemoryBus) -> Desk:
    desk = Desk(bus, TOPICS, Layout())
    await desk.open()
    return desk


async def filled(bus: MemoryBus, number: int, **more: Any) -> None:
    for n in range(number):
        headers = (("ce_id", b"c-%d" % n),)
        await bus.send(ours(offset=n, partition=n % 4, headers=headers, **more))


async def replay(bus: MemoryBus, replayer: Replayer | None = None) -> Result:
    desk = await desk_of(bus)
    replayer = replayer or of(bus)
    return await replayer.run(desk.letters(Filter()), DECIDE)


def of(bus: MemoryBus, clock: FakeClock | None = None, **options: Any) -> Replayer:
    return Replayer(bus, states_topic=LETTERS, by="ann@desk", clock=clock or FakeClock(), **options)


async def open_letters(bus: MemoryBus) -> int:
    desk = await desk_of(bus)
    return len([letter async for letter in desk.letters(Filter()) if letter.state is None])


async def test_every_letter_goes_once_with_its_word() -> None:
    bus = Counting()
    await filled(bus, 1201)
    result = await replay(bus)

    assert (result.sent, result.seen) == (1201, 1201)
    assert bus.batches == [1000, 1000, 402]
    assert len(bus.records("order")) == len(bus.records(LETTERS)) == 1201
    assert await open_letters(bus) == 0


async def test_a_broker_that_leaves_takes_nothing_along_and_the_next_replay_goes_on() -> None:
    bus = Counting(batches=1)
    await filled(bus, 1201)
    replayer = of(bus)
    with pytest.raises(BrokerUnavailableError):
        await replay(bus, replayer)
    assert (replayer.result.sent, await open_letters(bus)) == (500, 701)
    bus._most = 1_000_000
    result = await replay(bus)

    assert result.sent == 701
    assert len(bus.records("order")) == 1201


async def test_large_letters_go_in_small_batches() -> None:
    bus = Counting()
    for n in range(10):
        await bus.send(ours(b"x" * (1 << 20), offset=n))
    await replay(bus)

    assert bus.batches == [8, 8, 4]


async def test_one_that_is_too_large_is_named_and_the_others_go() -> None:
    bus = Counting()
    await filled(bus, 3)
    await bus.send(ours(b"x" * 1000, offset=9))
    bus._max_record_bytes = 900
    result = await replay(bus)

    assert (result.sent, result.refused.total()) == (3, 1)
    assert "more than the topic takes" in next(iter(result.refused))
    assert await open_letters(bus) == 1


async def test_a_rate_is_kept() -> None:
    bus, clock = Counting(), FakeClock()
    await filled(bus, 100)
    task = asyncio.ensure_future(replay(bus, of(bus, clock, rate=20)))
    began = clock.monotonic()
    while not task.done():
        clock.advance(0.1)
        await turns()

    assert (await task).sent == 100
    assert set(bus.batches) == {8}
    assert 4.5 <= clock.monotonic() - began <= 6


async def test_parked_and_refused_letters_are_told_apart() -> None:
    bus = Counting()
    await filled(bus, 2)
    await bus.send(ours(offset=8, replay_count=3))
    await bus.send(ours(topic="other", offset=9))
    result = await replay(bus)

    assert (result.sent, result.parked, result.left) == (2, 1, 0)
    assert dict(result.refused) == {"no agent of shop takes other any more": 1}
    again = await replay(bus)
    assert (again.sent, again.parked, again.left) == (0, 0, 3)
