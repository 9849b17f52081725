"""Pauses: agents whose events are held back. Kafka is their queue."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.ports import Clock

log = structlog.stdlib.get_logger("streamagents.runtime")


@dataclass(slots=True)
class _Pause:
    until: datetime
    reason: str
    over: asyncio.Event = field(default_factory=asyncio.Event)


class AgentPauses:
    """The port `Pauses` of one worker.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[str, _Pause] = {}

    def pause(self, agent: str, *, until: datetime, reason: str) -> None:
        """Hold the agent back until then; a later call replaces an earlier."""
        known = self._pauses.get(agent)
        if known is None:
            log.warning("agent_paused", agent=agent, until=until.isoformat(), reason=reason)
            self._pauses[agent] = _Pause(until, reason)
        else:
            known.until, known.reason = until, reason

    def resume(self, agent: str) -> None:
        """Let it go on."""
        pause = self._pauses.pop(agent, None)
        if pause is not None:
            pause.over.set()
            log.info("agent_resumed", agent=agent)

    def held(self, agent: str) -> str:
        """Why an agent is held back; empty if it is not."""
        pause = self._pauses.get(agent)
        return "" if pause is None else pause.reason

    def tick(self) -> None:
        """End the pauses whose time has come, by the clock as it is now."""
        if self._pauses:
            now = self._clock.now()
            for agent in [name for name, pause in self._pauses.items() if pause.until <= now]:
                self.resume(agent)

    async def passed(self, agent: str) -> None:
        """Wait until an agent is not held back."""
        while (pause := self._pauses.get(agent)) is not None:
            await pause.over.wait()
