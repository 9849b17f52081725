"""`run_tick`: a schedule or a monitor of yours, woken once in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamagents.agents.tick import Tick, tick_id
from streamagents.errors import ConfigurationError
from streamagents.testing.context import FakeContext
from streamagents.triggers.cron import Schedule

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.agents.tick import Ticking


async def run_tick(
    ticking: Ticking, slot: datetime, *, ctx: FakeContext | None = None
) -> FakeContext:
    """Wake it for its latest slot at or before a moment; what it leaves is in the context.

    ```python
    ctx = await run_tick(daily_report, datetime(2026, 3, 29, 7, tzinfo=UTC))
    assert ctx.emitted == [ReportDue(day="2026-03-29")]
    ```

    Args:
        ticking: a schedule, or whatever else the clock wakes.
        slot: the moment.
        ctx: what it gets, with a state of yours. Without it, it is the moment of the slot, and a
            schedule has fired the slot before.

    Raises:
        ConfigurationError: it has no slot by then.
        Exception: whatever it raises.
    """
    latest = ticking.slot(slot)
    if latest is None:
        raise ConfigurationError(f"{ticking.name} has no slot at or before {slot.isoformat()}.")
    if ctx is None:
        state: dict[str, Any] = {}
        if isinstance(ticking, Schedule):
            state = ticking.state_before(latest)
        ctx = FakeContext(
            event_id=tick_id(ticking.name, latest),
            now=latest,
            type=Tick.event_type.type,
            key=ticking.name,
            state=state,
        )
    await ticking.run(Tick(name=ticking.name, slot=latest), ctx)
    return ctx
