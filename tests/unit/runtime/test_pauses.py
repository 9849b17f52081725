"""Pauses: agents that are held back, by a clock that may be set in both directions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from streamagents.runtime.pauses import AgentPauses
from streamagents.testing.clock import FakeClock
from support.records import turns


class Clock(FakeClock):
    """May be set, as an operator does it."""

    def set(self, time: datetime) -> None:
        self._start = time - timedelta(seconds=self.monotonic())


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE = datetime(2026, 1, 1, 13, tzinfo=UTC)


def paused(*, until: datetime = ONE) -> tuple[AgentPauses, Clock]:
    clock = Clock(NOON)
    pauses = AgentPauses(clock)
    pauses.pause("Lead", until=until, reason="budget")
    return pauses, clock


def test_an_agent_is_held_back_with_a_reason_and_no_other_is() -> None:
    pauses, _ = paused()

    assert (pauses.held("Lead"), pauses.held("Order")) == ("budget", "")


def test_it_goes_on_when_its_time_has_come_and_not_before() -> None:
    pauses, clock = paused()
    clock.advance(3599)
    pauses.tick()
    assert pauses.held("Lead")
    clock.advance(1)
    pauses.tick()

    assert not pauses.held("Lead")


def test_a_later_pause_replaces_an_earlier_one() -> None:
    pauses, clock = paused()
    pauses.pause("Lead", until=NOON + timedelta(minutes=1), reason="circuit")
    assert pauses.held("Lead") == "circuit"
    clock.advance(60)
    pauses.tick()

    assert not pauses.held("Lead")


def test_a_pause_that_is_over_before_it_begins_ends_with_the_next_tick() -> None:
    pauses, _ = paused(until=NOON - timedelta(days=1))
    assert pauses.held("Lead")
    pauses.tick()

    assert not pauses.held("Lead")


def test_a_clock_that_is_set_forward_ends_a_pause() -> None:
    pauses, clock = paused()
    clock.set(NOON + timedelta(days=1))
    pauses.tick()

    assert not pauses.held("Lead")


def test_a_clock_that_is_set_back_makes_a_pause_longer() -> None:
    pauses, clock = paused()
    clock.set(NOON - timedelta(hours=2))
    clock.advance(3600)
    pauses.tick()
    assert pauses.held("Lead")
    clock.advance(7200)
    pauses.tick()

    assert not pauses.held("Lead")


def test_each_agent_has_a_time_of_its_own() -> None:
    pauses, clock = paused()
    for hours, name in enumerate("abc"):
        pauses.pause(name, until=NOON + timedelta(hours=hours + 1), reason="budget")
    clock.advance(2 * 3600)
    pauses.tick()

    assert [bool(pauses.held(name)) for name in ("Lead", "a", "b", "c")] == [
        False,
        False,
        False,
        True,
    ]


async def test_who_waits_goes_on_when_the_pause_ends() -> None:
    pauses, clock = paused()
    waiting = asyncio.ensure_future(pauses.passed("Lead"))
    await turns()
    assert not waiting.done()
    clock.advance(3600)
    pauses.tick()

    await asyncio.wait_for(waiting, 1)


async def test_all_who_wait_go_on_and_others_never_waited() -> None:
    pauses, _ = paused()
    waiting = [asyncio.ensure_future(pauses.passed("Lead")) for _ in range(10)]
    await asyncio.wait_for(pauses.passed("Order"), 1)
    await turns()
    pauses.resume("Lead")

    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_a_pause_that_begins_again_at_once_holds_those_who_waited() -> None:
    pauses, _ = paused()
    waiting = asyncio.ensure_future(pauses.passed("Lead"))
    await turns()
    pauses.resume("Lead")
    pauses.pause("Lead", until=ONE, reason="again")
    await turns()
    assert not waiting.done()
    pauses.resume("Lead")

    await asyncio.wait_for(waiting, 1)


def test_ending_a_pause_that_is_none_is_nothing() -> None:
    pauses, _ = paused()
    with capture_logs() as logs:
        pauses.resume("Order")

    assert (logs, pauses.held("Lead")) == ([], "budget")


def test_a_pause_is_told_when_it_begins_and_ends_and_not_at_every_extension() -> None:
    with capture_logs() as logs:
        pauses, _ = paused()
        pauses.pause("Lead", until=ONE + timedelta(hours=1), reason="budget")
        pauses.resume("Lead")

    assert [(line["event"], line["agent"]) for line in logs] == [
        ("agent_paused", "Lead"),
        ("agent_resumed", "Lead"),
    ]
    assert (logs[0]["reason"], logs[0]["until"]) == ("budget", "2026-01-01T13:00:00+00:00")
