"""What a real worker shows over HTTP: its metrics, and whether it is well."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.pages import Scrape, get, health, port_of
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
async def own_fleet(own_broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application on a broker that may be frozen."""
    own_broker.start()
    async with Fleet(own_broker.address, tmp_path) as fleet:
        yield fleet


async def test_a_worker_is_scraped_and_its_numbers_are_right(fleet: Fleet) -> None:
    fleet.start()
    port = port_of(fleet)
    await fleet.jobs(range(1000))
    await fleet.jobs(range(100))
    await fleet.settled()

    def counted() -> bool:
        scrape, job = Scrape(port), fleet.topic("job")
        ended = scrape.value("events_processed_total", outcome="ok", topic=job)
        return ended == scrape.value("dedupe_entries", topic=job) == 1000

    wait_until(counted, 20)
    scrape = Scrape(port)
    assert scrape.value("events_received_total", topic=fleet.topic("job")) == 1100
    assert scrape.value("dedupe_hits_total", topic=fleet.topic("job")) == 100
    assert scrape.value("event_duration_seconds_count", agent="JobAgent", outcome="ok") == 1000
    assert scrape.value("consumer_lag") == 0
    assert scrape.families["faust_messages_received"].samples[0].value == 1100
    series = [line for line in scrape.text.splitlines() if not line.startswith("#")]
    assert len(series) < 2000  # 1,000 ids and 50 keys, and none of them is a label


async def test_a_quiet_worker_is_well_and_ready(fleet: Fleet) -> None:
    fleet.start()
    port = port_of(fleet)
    await fleet.jobs(range(10))
    await fleet.settled()
    wait_until(lambda: get(port, "/ready")[0] == 200, 10)

    assert get(port, "/live")[0] == 200
    said = health(port)
    assert (said["status"], said["reason"]) == ("ok", "")
    job = said["topics"][fleet.topic("job")]
    assert job["last_event_at"].endswith("+00:00")
    assert job["age_s"] < 60
    assert (job["lag"], job["in_flight"]) == (0, 0)
    assert sorted(job["partitions"]) == ["0", "1", "2", "3"]
    assert said["topics"][fleet.topic("order")]["last_event_at"] is None


async def test_a_frozen_loop_is_stuck_and_the_pages_still_answer(fleet: Fleet) -> None:
    worker = fleet.start(STREAMAGENTS_STUCK_AFTER_S="8")
    port = port_of(fleet)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
    await fleet.jobs([1], what="dead")
    wait_until(lambda: fleet.lines("start"), 20)
    slowest, statuses = 0.0, set()
    until = time.monotonic() + 60
    while worker.poll() is None and time.monotonic() < until:
        asked_at = time.monotonic()
        try:
            statuses.add((get(port, "/live")[0], health(port)["status"]))
        except OSError:
            break  # it has ended
        slowest = max(slowest, time.monotonic() - asked_at)
    assert (200, "ok") in statuses
    assert (503, "stuck") in statuses
    assert worker.wait(20) == 70
    assert slowest < 2  # both pages, on a machine that others use, too


async def test_a_handler_that_outlives_its_timeout_makes_the_worker_stale(fleet: Fleet) -> None:
    fleet.start(STREAMAGENTS_STUCK_AFTER_S="5", JOBS_TIMEOUT_S="1")
    port = port_of(fleet)
    await fleet.jobs([1], what="deaf")
    wait_until(lambda: health(port)["status"] == "stale", 20)
    assert "a handler of JobAgent has outlived its timeout" in health(port)["reason"]
    assert get(port, "/health")[0] == 503
    assert get(port, "/ready")[0] == 200
    assert Scrape(port).value("inflight_events", agent="JobAgent") == 1
    wait_until(lambda: health(port)["status"] == "ok", 40)


async def test_a_broker_that_is_frozen_is_told_and_forgotten(
    own_fleet: Fleet, own_broker: EmbeddedBroker
) -> None:
    fleet = own_fleet
    fleet.start(STREAMAGENTS_STUCK_AFTER_S="20")
    port = port_of(fleet)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
    pid = own_broker.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: get(port, "/ready")[0] == 503, 40)
        wait_until(lambda: health(port)["status"] == "stuck", 40)
        assert "no Kafka broker has answered" in health(port)["reason"]
        assert get(port, "/live")[0] == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: health(port)["status"] == "ok", 60)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
