"""The gate: how many agents run at once in this worker, and who may run beside whom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.pipeline.crashes import FEW, Company
from streamagents.runtime.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.agents import Registration
    from streamagents.runtime.pauses import AgentPauses


class Gate:
    """Turns for running agents; one gate a worker.

    Args:
        in_flight: events of one agent that run at once, where its route does not say.
        pauses: agents that are held back.
    """

    def __init__(self, in_flight: int, pauses: AgentPauses) -> None:
        self._default, self._pauses = in_flight, pauses
        self._slots: dict[int, Slots] = {}
        self._known: list[Registration] = []
        self._changed = asyncio.Event()
        self._few = 0
        self._alone = False
        self._want_alone = 0
        self._lookers = 0  # those that wait for a change
        self.running = 0
        """Events whose agent runs now."""
        self._short = False
        self.on_room: Callable[[], None] = lambda: None
        """Called when an agent has ended since somebody was refused room, whosever agent it is."""

    def open_to(self, registration: Registration) -> bool:
        """Whether an agent may run now, for an event of no special company."""
        if self._alone or self._want_alone or self._pauses.held(registration.name):
            return False
        return (self._slots.get(id(registration)) or self.slots_of(registration)).free

    def has_room(self, registration: Registration) -> bool:
        """Whether another event of an agent is worth beginning with.

        If not: again when `on_room` is called, and from time to time. The end of a pause, and a
        slot that was given back unused, are not told.
        """
        if (self._slots.get(id(registration)) or self.slots_of(registration)).free:
            return not self._pauses.held(registration.name)
        self._short = True
        return False

    def take(self, registration: Registration) -> None:
        """Take the turn that was open just now. Whoever has taken it says `give`."""
        self.running += 1
        self.slots_of(registration).occupy()

    def give(self, registration: Registration) -> None:
        """The agent whose turn was taken has ended."""
        self.leave(registration, Company.ANY)

    def turn(self, registration: Registration, company: Callable[[], Company]) -> Turn:
        """A turn, to be entered with `async with`: a slot and the right company, both held.

        Args:
            registration: whose agent is to run.
            company: asked again after every wait, for a verdict elsewhere may clear an event.
        """
        return Turn(self, registration, company)

    async def enter(self, registration: Registration, company: Callable[[], Company]) -> Company:
        """Wait until the agent may run."""
        slots = self.slots_of(registration)
        name = registration.name
        while True:
            if self._held(name):
                await self._pauses.passed(name)
            granted = company()
            if not self._open(granted):
                granted = await self._admitted(company)
                if self._held(name):
                    continue
            if granted is Company.ALONE:
                break  # nothing else runs: it needs no slot and must not wait for one
            if slots.take():
                break
            await slots.wait()
            # The wait may have been long: somebody may want to be alone by now.
            if (
                not self._held(name)
                and (granted := company()) is not Company.ALONE
                and self._open(granted)
            ):
                break
            slots.give()
        self.running += 1
        self._few += granted is Company.FEW
        self._alone = granted is Company.ALONE
        return granted

    def leave(self, registration: Registration, granted: Company) -> None:
        """The agent has ended."""
        self.running -= 1
        self._few -= granted is Company.FEW
        self._alone = False
        if granted is not Company.ALONE:
            self.slots_of(registration).give()
        if self._lookers:
            self._changed.set()
        if self._short:
            self._short = False
            self.on_room()

    async def _admitted(self, company: Callable[[], Company]) -> Company:
        wanting = False
        self._lookers += 1
        try:
            while True:
                granted = company()
                if wanting and granted is not Company.ALONE:
                    self._changed.set()  # cleared while it waited: it bars nobody any more
                self._want_alone += (granted is Company.ALONE) - wanting
                wanting = granted is Company.ALONE
                if self._open(granted):
                    return granted
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._lookers -= 1
            self._want_alone -= wanting
            # Only whoever stops waiting tells the others: two that want to be alone and told of
            # every look would wake each other for ever.
            if wanting:
                self._changed.set()

    def _open(self, company: Company) -> bool:
        if company is Company.ALONE:
            return not self.running
        if self._alone or self._want_alone:
            return False
        return company is Company.ANY or self._few < FEW

    def _held(self, agent: str) -> bool:
        return bool(self._pauses.held(agent))

    def limit_of(self, registration: Registration) -> int:
        """Events of one agent that may run at once."""
        return registration.route.in_flight or self._default

    def running_by_agent(self) -> dict[str, int]:
        """Events whose agent runs now, by its name; one that runs alone takes no slot."""
        return {known.name: self._slots[id(known)].taken for known in self._known}

    def slots_of(self, registration: Registration) -> Slots:
        """The slots of one agent: by the object, for an agent may serve several types."""
        slots = self._slots.get(id(registration))
        if slots is None:
            agent = id(registration.route.agent)
            limit = self.limit_of(registration)
            slots = self._slots.setdefault(agent, Slots(limit))
            self._slots[id(registration)] = slots
            self._known.append(registration)  # or its id could become another's
        return slots


class Turn:
    """One agent's turn."""

    __slots__ = ("_company", "_gate", "_granted", "_registration")

    def __init__(
        self, gate: Gate, registration: Registration, company: Callable[[], Company]
    ) -> None:
        self._gate, self._registration, self._company = gate, registration, company
        self._granted = Company.ANY

    async def __aenter__(self) -> Company:
        self._granted = await self._gate.enter(self._registration, self._company)
        return self._granted

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave(self._registration, self._granted)
