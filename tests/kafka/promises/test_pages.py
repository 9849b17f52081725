"""What a real worker shows over HTTP: its metrics, and whether it is well."""

from __future__ import annotations

import json
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


async def test_the_leader_alone_counts_the_dead_letters_of_the_group(fleet: Fleet) -> None:
    fleet.start()
    fleet.start()
    ports = [port_of(fleet, -2), port_of(fleet, -1)]
    await fleet.jobs(range(7), what="reject")
    await fleet.settled()

    def depths() -> list[float]:
        found = [Scrape(port) for port in ports]
        told = [one for one in found if "streamagents_dlq_depth" in one.families]
        return [one.value("dlq_depth", topic=fleet.topic("job")) for one in told]

    wait_until(lambda: depths() == [7.0], 60)
    leader = next(s for s in map(Scrape, ports) if "streamagents_dlq_depth" in s.families)
    oldest = leader.value("dlq_oldest_timestamp_seconds", topic=fleet.topic("job"))
    assert time.time() - 120 < oldest < time.time()
    counted = sum(Scrape(p).value("dlq_messages_total", error_type="rejected") for p in ports)
    assert counted == 7


@pytest.mark.long
async def test_an_unclean_end_is_counted_by_the_next_process(fleet: Fleet) -> None:
    worker = fleet.start()
    assert Scrape(port_of(fleet)).value("worker_crashes_total") == 0
    fleet.kill(worker)
    worker = fleet.start()
    assert Scrape(port_of(fleet)).value("worker_crashes_total") == 1
    assert fleet.stop(worker) == 0
    fleet.start()
    assert Scrape(port_of(fleet)).value("worker_crashes_total") == 1


async def test_a_port_that_is_taken_ends_a_worker_with_one_sentence(fleet: Fleet) -> None:
    fleet.start()
    port = str(port_of(fleet))
    worker = fleet.start(ready=False, STREAMAGENTS_WEB_PORT=port)
    assert worker.wait(30) == 1
    last = fleet.log.read_text().splitlines()[-1]
    assert f"127.0.0.1:{port} cannot be listened at (Address already in use)" in last
    assert "Traceback" not in fleet.log.read_text()


async def test_logs_are_json_where_that_is_asked_for(fleet: Fleet) -> None:
    file = fleet.folder / "logs" / "worker.log"
    fleet.start(
        ready=False,
        STREAMAGENTS_LOG_FORMAT="json",
        STREAMAGENTS_LOG_FILE=str(file),
        STREAMAGENTS_LOG_OUTCOMES="1",
        ANTHROPIC_API_KEY="sk-ant-not-to-be-seen",
        STREAMAGENTS_LLM="rules",
    )
    await fleet.jobs(range(3))
    await fleet.jobs([3], what="reject")
    await fleet.settled()
    wait_until(lambda: file.read_text().count('"action": "ok"') == 3, 20)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    (letter,) = (line for line in lines if line["action"] == "dead_lettered")
    assert (letter["agent"], letter["code"], letter["level"]) == ("JobAgent", "rejected", "warning")
    assert {line["event_id"] for line in lines if line["action"] == "ok"} == {"0", "1", "2"}
    assert "not-to-be-seen" not in file.read_text()
    assert "not-to-be-seen" not in fleet.log.read_text()


@pytest.mark.long
async def test_the_lag_of_an_agent_that_is_held_back_grows_and_is_no_fault(fleet: Fleet) -> None:
    fleet.start(STREAMAGENTS_STUCK_AFTER_S="5")
    port = port_of(fleet)
    await fleet.jobs([0], what="pause")
    wait_until(lambda: "agent_paused" in fleet.log.read_text(), 20)
    await fleet.jobs(range(1, 301))
    job = fleet.topic("job")
    wait_until(lambda: Scrape(port).value("consumer_lag", topic=job) >= 300, 30)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 6)  # longer than what makes it stuck
    said = health(port)
    assert (said["status"], said["reason"]) == ("ok", "for a test")
    wait_until(lambda: Scrape(port).value("consumer_lag", topic=job) == 0, 60)


async def test_a_frozen_loop_answers_until_its_watchdog_ends_it(fleet: Fleet) -> None:
    worker = fleet.start(STREAMAGENTS_STUCK_AFTER_S="8")
    port = port_of(fleet)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
    await fleet.jobs([1], what="dead")
    wait_until(lambda: fleet.lines("start"), 20)
    slowest, said = 0.0, set()
    until = time.monotonic() + 60
    while worker.poll() is None and time.monotonic() < until:
        asked_at = time.monotonic()
        try:
            said.add(health(port)["status"])
        except OSError:
            break  # it has ended
        slowest = max(slowest, time.monotonic() - asked_at)
    assert worker.wait(20) == 70
    # It says `stuck` when the watchdog acts, a moment before the end, if anybody asks just then.
    assert "ok" in said <= {"ok", "stuck"}
    assert slowest < 2  # on a machine that others use, too
    assert "Current thread" in fleet.log.read_text()  # the stacks


@pytest.mark.long
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
    own_broker.freeze()
    try:
        wait_until(lambda: get(port, "/ready")[0] == 503, 40)
        wait_until(lambda: health(port)["status"] == "stuck", 40)
        assert "no Kafka broker has answered" in health(port)["reason"]
        assert get(port, "/live")[0] == 200
    finally:
        own_broker.thaw()
    wait_until(lambda: health(port)["status"] == "ok", 60)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
