"""Limits of models: they hold for the whole group, also where workers die and change."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.askers_app import ANSWERED, ASKED
from support.workers import Fleet, header, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

MODULE = "support.askers_app"
ONE = ASKED + ANSWERED
CALLS = 40
"""That the day's budget of these tests pays for."""


@pytest.fixture
async def askers(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The application on the shared broker; no worker runs yet."""
    async with Fleet(broker.address, tmp_path, module=MODULE) as fleet:
        yield fleet


async def asks(fleet: Fleet, numbers: range, **fields: int) -> None:
    await fleet.send("ask", [job(n, f"k{n}", **fields) for n in numbers])


def calls(fleet: Fleet) -> int:
    return len(fleet.lines("call"))


def told(fleet: Fleet, word: str) -> int:
    return fleet.log.read_text().count(word)


async def test_a_budget_holds_for_the_group_over_a_kill_and_a_rebalance(askers: Fleet) -> None:
    start = partial(askers.start, STREAMAGENTS_BUDGET_TOKENS_PER_DAY=str(CALLS * ONE))
    first = start()
    start()
    await asks(askers, range(20))
    wait_until(lambda: calls(askers) >= 10, 30)
    askers.kill(first)
    start()
    await asks(askers, range(20, 200))
    wait_until(lambda: told(askers, "agent_paused") >= 2, 60)
    await asks(askers, range(200, 220))
    wait_until(lambda: told(askers, "budget_nearly_spent") >= 1, 10)

    # What died in flight counts as estimated; one call of each worker may overrun its slices.
    in_flight_at_the_kill = 20
    assert CALLS - in_flight_at_the_kill - 4 <= calls(askers) <= CALLS + 3
    assert await askers.letters("ask") == []


async def test_an_open_circuit_holds_events_back_and_lets_them_go_on(askers: Fleet) -> None:
    askers.start(ASKERS_BACK=str(askers.gates / "back"))
    await asks(askers, range(100))
    wait_until(lambda: told(askers, "agent_paused") >= 1, 30)
    down_until = time.time()
    askers.open("back")
    await askers.settled(110)

    begun_while_down = [float(at) for _, at, _ in askers.lines("call") if float(at) < down_until]
    assert len(begun_while_down) <= 100 + 5
    assert sorted({int(n) for n, _, _ in askers.lines("end")}) == list(range(100))
    assert await askers.letters("ask") == []


async def test_an_events_own_budget_counts_all_its_attempts_and_ends_in_a_letter(
    askers: Fleet,
) -> None:
    askers.start(ASKERS_EVENT_TOKENS=str(5 * ONE))
    await asks(askers, range(1), times=10)
    await asks(askers, range(1, 2), times=2)
    await askers.settled()

    assert 6 >= calls(askers) - 2 >= 3
    (letter,) = await askers.letters("ask")
    assert header(letter, "streamagents-error-code") == "budget"
    assert [n for n, _, _ in askers.lines("end")] == ["1"]
