"""Ticks: what wakes schedules and monitors. The leader writes them, the owner of their key acts."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import AwareDatetime

from streamagents.events import Event
from streamagents.topics import TICKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.agents.context import Context


TICK_ATTEMPTS = 3
"""Failures until a tick becomes a dead letter."""


class Tick(Event, topic=TICKS, key="name", id=None):
    """It is time. One slot of one name is one event, however often it is written."""

    name: str
    """Of the schedule or monitor."""
    slot: AwareDatetime
    """The moment that it stands for, in UTC; it may be handled much later."""


@runtime_checkable
class Ticking(Protocol):
    """An agent that the clock wakes: a schedule, or a monitor."""

    @property
    def name(self) -> str:
        """Unique among all that the clock wakes in an application."""

    @property
    def source(self) -> str:
        """Where what it emits comes from: `cron/<name>`, `monitor/<name>`."""

    @property
    def emits(self) -> Sequence[type[Event]]:
        """The models of what it emits."""

    @property
    def timeout_s(self) -> float:
        """What one run may take."""

    def slot(self, now: datetime) -> datetime | None:
        """Its latest slot at or before now; None if there is none yet. The same on any worker."""

    async def run(self, tick: Tick, ctx: Context) -> Any:
        """Act. `ctx.state` is its own; what it emits has ids made of its name."""


def tick_id(name: str, slot: datetime) -> str:
    """The id of a tick, `<name>:<slot>`, and of what a schedule emits for it."""
    return f"{name}:{slot.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"
