"""Promise 10: it stops cleanly, and what is unfinished is given back."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.workers import job

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def test_sigterm_lets_running_agents_finish_and_nothing_runs_again(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.send("job", [job(n, f"k{n}", seconds=2) for n in range(100)])
    wait_until(lambda: len(fleet.lines("start")) == 100)
    assert fleet.stop(worker) == 0
    assert len(fleet.lines("end")) == 100
    assert len(await fleet.done()) == 100
    fleet.start()
    await fleet.settled()
    assert len(fleet.lines("start")) == 100


async def test_what_outlasts_the_grace_is_released_and_runs_again(fleet: Fleet) -> None:
    worker = fleet.start(STREAMAGENTS_SHUTDOWN_GRACE_S="1")
    await fleet.send("job", [job(1, seconds=8)])
    wait_until(lambda: fleet.lines("start"))
    began = time.monotonic()
    assert fleet.stop(worker) == 0
    assert time.monotonic() - began < 8
    assert not fleet.lines("end")
    fleet.start()
    await fleet.settled()
    assert await fleet.done() == {1: 1}


async def test_a_second_sigterm_releases_at_once(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.send("job", [job(1, seconds=60)])
    wait_until(lambda: fleet.lines("start"))
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: "Signal received" in fleet.log.read_text())
    assert fleet.stop(worker, 10) == 0


async def test_an_agent_that_hangs_in_a_thread_holds_no_stop_up(fleet: Fleet) -> None:
    worker = fleet.start(STREAMAGENTS_SHUTDOWN_GRACE_S="1")
    await fleet.send("job", [job(1, what="hang")])
    wait_until(lambda: fleet.lines("start"))
    assert fleet.stop(worker, 20) == 0
