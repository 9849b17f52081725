"""A metronome: what the clock wakes in tests, every so many seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamagents.events import Event

if TYPE_CHECKING:
    from streamagents.agents import Context
    from streamagents.agents.tick import Tick


class Beat(Event, topic="beat", key="name"):
    """What a metronome emits."""

    name: str
    slot: datetime


class Metronome:
    """Emits a beat for each tick, and remembers the slots."""

    timeout_s = 10.0

    def __init__(self, name: str = "pulse", every_s: int = 60) -> None:
        self.name, self.source, self.emits = name, f"cron/{name}", (Beat,)
        self._every_s = every_s
        self.slots: list[datetime] = []
        self.error: Exception | None = None

    def slot(self, now: datetime) -> datetime | None:
        """The last full multiple of its interval."""
        if self.error is not None:
            raise self.error
        return datetime.fromtimestamp(now.timestamp() // self._every_s * self._every_s, UTC)

    async def run(self, tick: Tick, ctx: Context) -> None:
        """Take note, and emit."""
        self.slots.append(tick.slot)
        ctx.emit(Beat(name=self.name, slot=tick.slot), id=ctx.event.id)
