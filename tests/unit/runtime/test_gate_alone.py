"""The gate, for an event that must run alone in its worker."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.crashes import FEW, Company
from support.bench import gate as new_gate
from support.records import Scripted, registration, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streamagents.runtime.gate import Gate

AGENT = registration(Scripted())


class House:
    """Counts who is inside, and notices a breach of the rules."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[Company] = []
        self.served = 0
        self.breaches: list[list[Company]] = []

    @asynccontextmanager
    async def visit(self, company: Callable[[], Company]) -> AsyncIterator[None]:
        async with self.gate.turn(AGENT, company) as granted:
            self.inside.append(granted)
            if Company.ALONE in self.inside and len(self.inside) > 1:
                self.breaches.append(list(self.inside))
            if self.inside.count(Company.FEW) > FEW:
                self.breaches.append(list(self.inside))
            try:
                yield
            finally:
                self.inside.remove(granted)
                self.served += 1

    def send(self, company: Company, until: asyncio.Event) -> asyncio.Task[None]:
        async def stay() -> None:
            async with self.visit(lambda: company):
                await until.wait()

        return asyncio.get_running_loop().create_task(stay())


@pytest.fixture
def house() -> House:
    return House(new_gate(10))


async def usable(house: House) -> bool:
    """Whether everybody still gets in: nobody alone, in wait or in hand, is left in the count."""
    open_ = asyncio.Event()
    open_.set()
    tasks = [house.send(company, open_) for company in Company for _ in range(20)]
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    return house.gate.running == 0 and not house.breaches


async def test_an_event_alone_waits_until_nothing_runs(house: House) -> None:
    leave, stay = asyncio.Event(), asyncio.Event()
    tasks = [house.send(Company.ANY, leave), house.send(Company.FEW, leave)]
    await turns()
    tasks.append(house.send(Company.ALONE, stay))
    await turns()
    assert house.inside == [Company.ANY, Company.FEW]
    leave.set()
    await turns()

    assert house.inside == [Company.ALONE]
    stay.set()
    await asyncio.gather(*tasks)


async def test_nobody_begins_while_one_waits_to_be_alone(house: House) -> None:
    leave = asyncio.Event()
    tasks = [house.send(Company.ANY, leave)]
    await turns()
    tasks.append(house.send(Company.ALONE, leave))
    await turns()
    tasks += [house.send(company, leave) for company in (Company.ANY, Company.FEW)]
    await turns()

    assert house.inside == [Company.ANY]
    leave.set()
    await asyncio.gather(*tasks)
    assert house.served == 4
    assert await usable(house)


async def test_nobody_begins_beside_one_that_runs_alone(house: House) -> None:
    leave = asyncio.Event()
    tasks = [house.send(Company.ALONE, leave)]
    await turns()
    tasks += [house.send(company, leave) for company in Company]
    await turns()

    assert house.inside == [Company.ALONE]
    leave.set()
    await asyncio.gather(*tasks)
    assert await usable(house)


async def test_a_lane_that_waits_for_a_slot_does_not_hold_up_one_that_wants_to_be_alone() -> None:
    house = House(new_gate(1))
    leave = asyncio.Event()
    tasks = [house.send(Company.ANY, leave) for _ in range(3)]
    await turns()
    tasks.append(house.send(Company.ALONE, leave))
    await turns()
    leave.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)

    assert house.served == 4
    assert await usable(house)


async def test_a_thousand_waiting_lanes_and_some_that_want_to_be_alone_all_get_their_turn() -> None:
    house, leave = House(new_gate(10)), asyncio.Event()
    leave.set()
    companies = [Company.ANY] * 990 + [Company.FEW] * 40 + [Company.ALONE] * 3
    random.Random(5).shuffle(companies)
    tasks = [house.send(company, leave) for company in companies]
    await asyncio.wait_for(asyncio.gather(*tasks), 20)

    assert house.served == len(companies)
    assert house.breaches == []
    assert house.gate.running == 0


async def test_a_verdict_elsewhere_frees_who_waits_to_be_alone(house: House) -> None:
    leave, cleared = asyncio.Event(), False
    tasks = [house.send(Company.ANY, leave)]
    await turns()

    async def suspect() -> None:
        async with house.visit(lambda: Company.ANY if cleared else Company.ALONE):
            pass

    tasks.append(asyncio.get_running_loop().create_task(suspect()))
    await turns()
    cleared = True
    tasks.append(house.send(Company.ANY, leave))
    leave.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)

    assert house.served == 3
    assert await usable(house)


async def test_an_event_that_came_under_suspicion_while_it_waited_for_a_slot_runs_alone() -> None:
    house, leave, stay = House(new_gate(1)), asyncio.Event(), asyncio.Event()
    company = Company.ANY
    tasks = [house.send(Company.ANY, leave)]
    await turns()

    async def late() -> None:
        async with house.visit(lambda: company):
            await stay.wait()

    tasks.append(asyncio.get_running_loop().create_task(late()))
    await turns()
    company = Company.ALONE
    leave.set()
    await turns()

    assert house.inside == [Company.ALONE]
    stay.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("company", list(Company))
@pytest.mark.parametrize("busy", list(Company))
async def test_a_cancelled_wait_leaves_the_counts_right(
    house: House, busy: Company, company: Company
) -> None:
    leave = asyncio.Event()
    tasks = [house.send(busy, leave), house.send(Company.ALONE, leave)]
    await turns()
    gone = house.send(company, leave)
    await turns()
    gone.cancel()
    await asyncio.wait([gone])
    leave.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)

    assert await usable(house)


async def test_when_the_only_one_that_wants_to_be_alone_gives_up_the_others_go_on(
    house: House,
) -> None:
    leave = asyncio.Event()
    tasks = [house.send(Company.ANY, leave)]
    await turns()
    alone = house.send(Company.ALONE, leave)
    await turns()
    tasks.append(house.send(Company.ANY, leave))
    await turns()
    alone.cancel()
    await turns()

    assert house.inside == [Company.ANY, Company.ANY]
    leave.set()
    await asyncio.gather(*tasks)
    assert await usable(house)


async def test_an_event_cancelled_while_it_runs_alone_lets_the_others_in(house: House) -> None:
    leave = asyncio.Event()
    alone = house.send(Company.ALONE, leave)
    await turns()
    waiting = house.send(Company.ANY, leave)
    alone.cancel()
    await turns()

    assert house.inside == [Company.ANY]
    leave.set()
    await waiting
    assert await usable(house)


@pytest.mark.parametrize("seed", range(20))
async def test_no_order_of_events_breaks_the_rules(seed: int) -> None:
    house, dice = House(new_gate(3)), random.Random(seed)
    leaving = [asyncio.Event() for _ in range(60)]
    tasks = [house.send(dice.choice(list(Company)), leave) for leave in leaving]
    for leave in dice.sample(leaving, len(leaving)):
        if dice.random() < 0.2:
            dice.choice(tasks).cancel()
        leave.set()
        await turns(dice.randrange(4))
    await asyncio.wait_for(asyncio.wait(tasks), 5)

    assert house.breaches == []
    assert await usable(house)
