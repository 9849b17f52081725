"""The gate: how many agents run at once, in good company."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.pipeline.crashes import FEW, Company
from support.bench import gate as new_gate
from support.records import Scripted, registration, turns

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.runtime.gate import Gate


class Crowd:
    """Visitors of a gate, each of whom stays until it is let go."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.most = 0
        self._leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def send(
        self, name: str, company: Company = Company.ANY, owner: Registration | None = None
    ) -> asyncio.Task[None]:
        self._leave[name] = asyncio.Event()
        work = self._visit(name, company, owner or AGENT)
        task = self.tasks[name] = asyncio.get_running_loop().create_task(work)
        return task

    async def _visit(self, name: str, company: Company, owner: Registration) -> None:
        async with self.gate.turn(owner, lambda: company):
            self.inside.append(name)
            self.most = max(self.most, len(self.inside))
            try:
                await self._leave[name].wait()
            finally:
                self.inside.remove(name)

    def let_go(self, *names: str) -> None:
        for name in names or list(self._leave):
            self._leave[name].set()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.wait([self.tasks[name]])


AGENT = registration(Scripted())
NARROW = registration(Scripted(), in_flight=2)


async def full_again(gate: Gate, owner: Registration, room: int) -> bool:
    """Whether exactly so many of this agent's events get in now."""
    crowd = Crowd(gate)
    for number in range(room + 3):
        crowd.send(f"v{number}", owner=owner)
    await turns()
    found = len(crowd.inside)
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())
    return found == room == crowd.most and gate.running == 0


async def test_an_agent_has_as_many_slots_as_its_route_says() -> None:
    assert await full_again(new_gate(10), NARROW, 2)


async def test_without_a_word_in_the_route_the_worker_decides() -> None:
    assert await full_again(new_gate(5), AGENT, 5)


async def test_agents_do_not_take_each_others_slots() -> None:
    crowd = Crowd(new_gate(10))
    for number in range(4):
        crowd.send(f"narrow{number}", owner=NARROW)
        crowd.send(f"wide{number}")
    await turns()

    assert sorted(crowd.inside) == ["narrow0", "narrow1", "wide0", "wide1", "wide2", "wide3"]
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())


async def test_an_agent_that_serves_two_types_has_its_slots_once() -> None:
    crowd, shared = Crowd(new_gate(10)), NARROW.route
    twin = registration(shared.agent, in_flight=2)
    for number in range(2):
        crowd.send(f"a{number}", owner=NARROW)
        crowd.send(f"b{number}", owner=twin)
    await turns()

    assert len(crowd.inside) == 2
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())


async def test_who_waits_gets_in_when_somebody_leaves() -> None:
    crowd = Crowd(new_gate(1))
    for name in "abc":
        crowd.send(name)
    await turns()
    crowd.let_go("a")
    await turns()

    assert crowd.inside == ["b"]
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())
    assert crowd.gate.running == 0


async def test_at_most_sixteen_suspects_run_at_once() -> None:
    crowd = Crowd(new_gate(100))
    for number in range(40):
        crowd.send(f"s{number}", Company.FEW)
        crowd.send(f"free{number}")
    await turns()

    assert sum(name.startswith("s") for name in crowd.inside) == FEW == 16
    assert sum(name.startswith("free") for name in crowd.inside) == 40
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())


async def test_a_suspect_takes_the_place_of_one_that_left() -> None:
    crowd = Crowd(new_gate(100))
    for number in range(17):
        crowd.send(f"s{number}", Company.FEW)
    await turns()
    crowd.let_go("s3")
    await turns()

    assert "s16" in crowd.inside
    assert len(crowd.inside) == 16
    crowd.let_go()
    await asyncio.gather(*crowd.tasks.values())


@pytest.mark.parametrize("company", [Company.ANY, Company.FEW])
async def test_an_error_inside_gives_the_slot_back(company: Company) -> None:
    gate = new_gate(1)
    with pytest.raises(ValueError, match="boom"):
        async with gate.turn(AGENT, lambda: company):
            raise ValueError("boom")

    assert await full_again(gate, AGENT, 1)


@pytest.mark.parametrize("company", [Company.ANY, Company.FEW])
async def test_who_is_cancelled_inside_gives_the_slot_back(company: Company) -> None:
    crowd = Crowd(new_gate(1))
    crowd.send("a", company)
    await turns()
    await crowd.cancel("a")

    assert await full_again(crowd.gate, AGENT, 1)


async def test_who_is_cancelled_while_waiting_for_a_slot_takes_none_along() -> None:
    crowd = Crowd(new_gate(1))
    for name in "abc":
        crowd.send(name)
    await turns()
    await crowd.cancel("b")
    crowd.let_go()
    await asyncio.gather(crowd.tasks["a"], crowd.tasks["c"])

    assert await full_again(crowd.gate, AGENT, 1)


async def test_who_is_cancelled_in_the_moment_of_entry_takes_no_slot_along() -> None:
    crowd = Crowd(new_gate(1))
    for name in "abc":
        crowd.send(name)
    await turns()
    crowd.let_go("a")
    await asyncio.sleep(0)  # a has left and b's wake-up is under way
    await crowd.cancel("b")
    crowd.let_go()
    await asyncio.wait(crowd.tasks.values())

    assert await full_again(crowd.gate, AGENT, 1)


async def test_a_thousand_waiting_lanes_all_get_their_turn() -> None:
    crowd = Crowd(new_gate(7))
    for number in range(1000):
        crowd.send(str(number))
    await turns()
    crowd.let_go()
    await asyncio.wait_for(asyncio.gather(*crowd.tasks.values()), 10)

    assert crowd.most == 7
    assert crowd.gate.running == 0


async def test_waiting_to_be_alone_costs_nothing() -> None:
    gate, asked = new_gate(10), 0

    def alone() -> Company:
        nonlocal asked
        asked += 1
        return Company.ALONE

    async def visit(company: Any, leave: asyncio.Event) -> None:
        async with gate.turn(AGENT, company):
            await leave.wait()

    first, last = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.ensure_future(visit(lambda: Company.ANY, event)) for event in (first, last)]
    await turns()
    tasks += [asyncio.ensure_future(visit(alone, last)) for _ in range(2)]
    await turns()
    first.set()
    await turns(1000)
    last.set()
    await asyncio.gather(*tasks)

    assert asked < 20


async def test_who_is_cleared_while_it_waits_to_be_alone_gets_in_when_the_last_one_leaves() -> None:
    gate, leave, cleared = new_gate(10), asyncio.Event(), False

    async def holder() -> None:
        async with gate.turn(AGENT, lambda: Company.ANY):
            await leave.wait()

    async def suspect() -> None:
        async with gate.turn(AGENT, lambda: Company.ANY if cleared else Company.ALONE):
            pass

    first = asyncio.ensure_future(holder())
    await turns()
    last = asyncio.ensure_future(suspect())
    await turns()
    cleared = True
    leave.set()
    await first
    done, _ = await asyncio.wait([last], timeout=0.2)
    last.cancel()

    assert done == {last}
