"""The gate, while agents are held back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.crashes import Company
from streamagents.runtime.pauses import AgentPauses
from streamagents.testing.clock import FakeClock
from support.bench import gate as new_gate
from support.records import Scripted, registration, turns

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.runtime.gate import Gate


def take(gate: Gate, registration: Registration) -> bool:
    """Take a turn at once, if there is nothing to wait for."""
    if not gate.open_to(registration):
        return False
    gate.take(registration)
    return True


class Other(Scripted):
    """An agent of another name."""


HELD = registration(Scripted(), in_flight=2)
FREE = registration(Other(), in_flight=2)


class Door:
    """A gate, and who is inside."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pauses = AgentPauses(self.clock)
        self.gate = new_gate(10, self.pauses)
        self.inside: list[str] = []
        self.leave = asyncio.Event()

    def pause(self) -> None:
        self.pauses.pause(
            HELD.name, until=self.clock.now() + timedelta(seconds=60), reason="budget"
        )

    def send(
        self, owner: Registration = HELD, company: Company = Company.ANY
    ) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self._visit(owner, company))

    async def _visit(self, owner: Registration, company: Company) -> None:
        async with self.gate.turn(owner, lambda: company):
            self.inside.append(owner.name)
            await self.leave.wait()

    async def open(self, *tasks: asyncio.Task[None]) -> None:
        """Everybody may leave; nobody is left behind, and every slot is free again."""
        self.leave.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        assert self.gate.running == 0
        assert [take(self.gate, HELD) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("company", list(Company))
async def test_nobody_of_a_paused_agent_begins(company: Company) -> None:
    door = Door()
    door.pause()
    waiting = door.send(company=company)
    await turns()
    assert door.inside == []
    door.clock.advance(60)
    door.pauses.tick()
    await turns()

    assert door.inside == [HELD.name]
    await door.open(waiting)


async def test_what_ran_when_the_pause_began_goes_on() -> None:
    door = Door()
    running = door.send()
    await turns()
    door.pause()
    await turns()

    assert door.inside == [HELD.name]
    door.pauses.resume(HELD.name)
    await door.open(running)


async def test_a_paused_agent_holds_nobody_else_up() -> None:
    door = Door()
    door.pause()
    held = [door.send() for _ in range(5)]
    free = [door.send(FREE) for _ in range(2)]
    await turns()

    assert door.inside == [FREE.name] * 2
    door.pauses.resume(HELD.name)
    await door.open(*held, *free)


async def test_no_turn_is_taken_at_once_of_a_paused_agent() -> None:
    door = Door()
    door.pause()
    assert (take(door.gate, HELD), take(door.gate, FREE)) == (False, True)
    door.gate.give(FREE)
    door.pauses.resume(HELD.name)

    assert take(door.gate, HELD)


async def test_a_pause_that_begins_while_an_event_waits_for_a_slot_holds_it_back() -> None:
    door = Door()
    first = [door.send() for _ in range(2)]
    await turns()
    late = door.send()
    await turns()
    door.pause()
    door.leave.set()
    await asyncio.wait_for(asyncio.gather(*first), 5)
    await turns()
    assert len(door.inside) == 2
    door.pauses.resume(HELD.name)
    await asyncio.wait_for(late, 5)

    await door.open()


@pytest.mark.parametrize("company", [Company.ANY, Company.FEW])
async def test_a_pause_that_begins_while_an_event_waits_for_its_company_holds_it_back(
    company: Company,
) -> None:
    door = Door()
    alone = door.send(FREE, Company.ALONE)
    await turns()
    late = door.send(company=company)
    await turns()
    door.pause()
    door.leave.set()
    await asyncio.wait_for(alone, 5)
    await turns()
    assert door.inside == [FREE.name]
    door.pauses.resume(HELD.name)
    await asyncio.wait_for(late, 5)

    await door.open()


async def test_who_is_cancelled_during_a_pause_takes_no_slot_along() -> None:
    door = Door()
    door.pause()
    gone = [door.send() for _ in range(3)]
    await turns()
    for task in gone:
        task.cancel()
    await asyncio.wait(gone)
    door.pauses.resume(HELD.name)

    await door.open()


async def test_a_turn_taken_at_once_counts_as_one_that_was_waited_for() -> None:
    door = Door()
    assert take(door.gate, HELD)
    waiting = [door.send() for _ in range(2)]
    await turns()
    assert (len(door.inside), door.gate.running) == (1, 2)
    door.gate.give(HELD)
    await turns()

    assert len(door.inside) == 2
    await door.open(*waiting)


async def test_no_turn_is_taken_at_once_beside_one_that_runs_or_wants_to_run_alone() -> None:
    door = Door()
    assert take(door.gate, HELD)
    alone = door.send(FREE, Company.ALONE)
    await turns()
    assert not take(door.gate, HELD)
    door.gate.give(HELD)
    await turns()
    assert (door.inside, take(door.gate, HELD)) == ([FREE.name], False)

    await door.open(alone)


async def test_no_turn_is_taken_at_once_ahead_of_those_who_wait() -> None:
    door = Door()
    waiting = [door.send() for _ in range(3)]
    await turns()
    door.gate.give(HELD)  # one has left, its slot is the third's

    assert not take(door.gate, HELD)
    await turns()
    assert len(door.inside) == 3
    door.leave.set()
    await asyncio.wait(waiting)


def test_who_was_refused_a_place_is_told_when_there_is_one() -> None:
    door = Door()
    told: list[str] = []
    door.gate.on_room = lambda: told.append("room")
    assert door.gate.has_room(HELD)
    door.gate.take(HELD)
    door.gate.take(HELD)
    door.gate.take(FREE)
    door.gate.give(FREE)
    assert (door.gate.has_room(HELD), told) == (False, [])
    door.gate.give(HELD)
    door.gate.give(HELD)

    assert (door.gate.has_room(HELD), told) == (True, ["room"])


def test_there_is_no_room_for_an_agent_that_is_held_back() -> None:
    door = Door()
    door.pause()

    assert (door.gate.has_room(HELD), door.gate.has_room(FREE)) == (False, True)
