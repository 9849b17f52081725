"""Looking: a monitor, tick by tick, with what it remembers and without Kafka."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamagents.agents.tick import Tick, tick_id
from streamagents.monitors import MonitorLoop, Web
from streamagents.net import Http
from streamagents.testing import FakeClock, FakeContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.events import Event
    from streamagents.monitors import Monitor

BEGINNING = datetime(2026, 11, 3, tzinfo=UTC)


class Looker:
    """Runs one tick after another: `await looker.look()` is the context of the next one.

    Args:
        monitor: what is run.
        private: hosts that are open to it.
        distance_s: between two requests to a host.
    """

    def __init__(
        self, monitor: Monitor, *, private: Iterable[str] = (), distance_s: float = 0.0
    ) -> None:
        self.clock = FakeClock(BEGINNING)
        self.http = Http(private=private)
        self.web = Web(self.http, self.clock, distance_s=distance_s, contact="ann@example.com")
        self.outcomes: list[str] = []
        self.loop = MonitorLoop(monitor, self.web, self)
        self.values: dict[str, Any] = {}

    def polled(self, monitor: str, outcome: str, at: datetime, **standing: object) -> None:
        """The port Polls."""
        assert monitor == self.loop.name
        self.outcomes.append(outcome)

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """No schedule is run here."""

    @property
    def outcome(self) -> str:
        """Of the last tick."""
        return self.outcomes[-1]

    async def look(
        self, after_s: float | None = None, *, slot: datetime | None = None
    ) -> FakeContext:
        """The next tick, one interval after the last one."""
        self.clock.advance(self.loop.monitor.policy.every_s if after_s is None else after_s)
        now = self.clock.now()
        slot = slot or self.loop.slot(now)
        ctx = FakeContext(
            event_id=tick_id(self.loop.name, slot), now=now, key=self.loop.name, state=self.values
        )
        await self.loop.run(Tick(name=self.loop.name, slot=slot), ctx)
        self.values = ctx.values
        return ctx

    async def seen(self, after_s: float | None = None) -> list[str]:
        """The ids of what the next tick emits."""
        return (await self.look(after_s)).emitted_ids

    async def told(self, after_s: float | None = None) -> list[Event]:
        """What the next tick emits."""
        return (await self.look(after_s)).emitted

    def later(self, **time: float) -> datetime:
        """A moment, by the looker's clock."""
        return self.clock.now() + timedelta(**time)
