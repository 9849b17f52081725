"""The gate: how many agents run at once in this worker, and who may run beside whom."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from streamagents.pipeline.crashes import FEW, Company

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streamagents.agents import Registration


class Gate:
    """Turns for running agents; one gate a worker.

    Args:
        in_flight: events of one agent that run at once, where its route does not say.
    """

    def __init__(self, in_flight: int) -> None:
        self._default = in_flight
        self._slots: dict[int, asyncio.Semaphore] = {}
        self._changed = asyncio.Event()
        self._few = 0
        self._alone = False
        self._want_alone = 0
        self.running = 0
        """Events whose agent runs now."""

    @asynccontextmanager
    async def turn(
        self, registration: Registration, company: Callable[[], Company]
    ) -> AsyncIterator[Company]:
        """Wait for a slot and for the right company, and hold both.

        Args:
            registration: whose agent is to run.
            company: asked again after every wait, for a verdict elsewhere may clear an event.
        """
        slots = self._slots_of(registration)
        granted = await self._enter(slots, company)
        self.running += 1
        self._few += granted is Company.FEW
        self._alone = granted is Company.ALONE
        try:
            yield granted
        finally:
            self.running -= 1
            self._few -= granted is Company.FEW
            self._alone = False
            if granted is not Company.ALONE:
                slots.release()
            self._changed.set()

    async def _enter(self, slots: asyncio.Semaphore, company: Callable[[], Company]) -> Company:
        while True:
            granted = await self._admitted(company)
            if granted is Company.ALONE:
                return granted  # nothing else runs: it needs no slot and must not wait for one
            await slots.acquire()
            # The wait for the slot may have been long: somebody may want to be alone by now.
            if (granted := company()) is not Company.ALONE and self._open(granted):
                return granted
            slots.release()

    async def _admitted(self, company: Callable[[], Company]) -> Company:
        wanting = False
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

    def _slots_of(self, registration: Registration) -> asyncio.Semaphore:
        """The slots of one agent: by the object, for an agent may serve several types."""
        agent = id(registration.route.agent)
        slots = self._slots.get(agent)
        if slots is None:
            limit = registration.route.in_flight or self._default
            slots = self._slots[agent] = asyncio.Semaphore(limit)
        return slots
