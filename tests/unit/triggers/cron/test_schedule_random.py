"""A schedule over random days: ticks that come twice or not at all, workers that die."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from streamagents.agents.tick import Tick, tick_id
from streamagents.events import Event
from streamagents.testing import FakeContext
from streamagents.triggers import Schedule

if TYPE_CHECKING:
    from streamagents.triggers.cron import CatchUp

What = Literal["pass", "away", "again", "die"]

NIGHTS = ["2026-03-28T22:00", "2026-10-24T22:00", "2026-06-01T00:00"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "pass", "pass", "away", "again", "die"]),
        st.integers(1, 90),
    ),
    max_size=12,
)


class ReportDue(Event, topic="report_due"):
    """Needs no data."""


class Day:
    """A leader and a handler on one clock; what a dying worker did not commit is gone."""

    def __init__(self, schedule: Schedule, start: datetime) -> None:
        self.schedule, self.now = schedule, start
        self.state: dict[str, Any] = {}
        self.ids: list[str] = []
        self.ticks: list[Tick] = []

    async def look(self, what: What, minutes: int) -> None:
        """Let minutes pass, each with a look of the leader, or all at once with none."""
        if what == "away":
            self.now += timedelta(minutes=minutes)
        for _ in range(0 if what == "away" else minutes):
            self.now += timedelta(minutes=1)
            slot = self.schedule.slot(self.now)
            if slot is not None and (not self.ticks or self.ticks[-1].slot != slot):
                self.ticks.append(Tick(name="report", slot=slot))
                await self.handle(self.ticks[-1], die=what == "die")
        if what == "again" and self.ticks:
            for tick in self.ticks[-3:]:
                await self.handle(tick)

    async def handle(self, tick: Tick, *, die: bool = False) -> None:
        """Run it; a worker that dies before it commits leaves nothing, and it is run again."""
        for _ in range(1 + die):
            ctx = FakeContext(now=self.now + timedelta(seconds=5), state=self.state)
            await self.schedule.run(tick, ctx)
        self.state, self.ids = ctx.values, [*self.ids, *ctx.emitted_ids]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["* * * * *", "*/20 * * * *", "30 2 * * *", "0,45 1-3 * * *"]),
    st.sampled_from(NIGHTS),
    st.sampled_from(["skip", "last", "all"]),
    STEPS,
)
async def test_no_slot_fires_twice_and_with_all_none_is_left_out(
    text: str, start: str, catch_up: CatchUp, steps: list[tuple[What, int]]
) -> None:
    schedule = Schedule(
        "report", text, event=ReportDue, zone="Europe/Berlin", catch_up=catch_up, cap=1000
    )
    day = Day(schedule, datetime.fromisoformat(start).replace(tzinfo=UTC))
    for step in [("pass", 1), *steps, ("pass", 1)]:
        await day.look(*step)

    wanted, at = [], day.ticks[0].slot
    while (following := schedule.cron.next(at)) is not None and following <= day.ticks[-1].slot:
        at = following
        wanted.append(tick_id("report", at))
    assert len(set(day.ids)) == len(day.ids)
    assert day.ids == [one for one in wanted if one in set(day.ids)]
    if catch_up == "all" or all(what != "away" for what, _ in steps):
        assert day.ids == wanted
