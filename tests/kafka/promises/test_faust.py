"""Faust is no decoration: its agents get the work, its table the state, its monitor the count."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support import wait_until_async
from support.workers import MODULE, job

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


def faust(fleet: Fleet, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "faust", "-A", MODULE, *arguments],
        env=fleet.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


async def test_faust_lists_an_agent_for_each_topic_and_the_state_table(fleet: Fleet) -> None:
    agents = faust(fleet, "agents")
    assert all(
        f"consume_{fleet.prefix.rstrip('.')}_{name}" in agents
        for name in ("job", "order", "streamagents_inbox")
    )
    assert "state-p4" in faust(fleet, "tables")


async def test_fausts_monitor_counts_every_event(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.jobs(range(500))
    await fleet.settled()
    assert fleet.stop(worker) == 0
    assert fleet.lines("monitor")[-1][0] == "500"


async def test_a_worker_whose_topics_are_missing_names_the_command(fleet: Fleet) -> None:
    worker = fleet.start(ready=False, STREAMAGENTS_TOPIC_PREFIX=f"{fleet.prefix}other.")
    assert worker.wait(30) == 1
    last = fleet.log.read_text().splitlines()[-1]
    assert "run `streamagents topics apply`" in last
    assert "Traceback" not in fleet.log.read_text()


async def test_a_partition_count_that_differs_is_refused_in_words(fleet: Fleet) -> None:
    worker = fleet.start(ready=False, STREAMAGENTS_PARTITIONS="3")
    assert worker.wait(30) == 1
    assert "has 4 partitions, the application wants 3" in fleet.log.read_text()


async def test_two_workers_in_one_data_folder_take_a_place_each(fleet: Fleet) -> None:
    fleet.start()
    fleet.start()
    folders = sorted(path.name for path in (fleet.data / fleet.group).iterdir())
    assert folders == ["worker-0", "worker-1"]
    await fleet.jobs(range(50))
    await fleet.settled()


async def test_a_state_of_a_newer_format_stops_the_worker_before_it_consumes(
    fleet: Fleet,
) -> None:
    worker = fleet.start()
    await fleet.jobs(range(20))
    await fleet.settled()
    assert fleet.stop(worker) == 0
    newer = [(b"i\0" + fleet.topic("job").encode(), b"\x63{}")]
    for partition in range(4):
        await fleet.send("jobs-state-p4-changelog", newer, partition=partition)
    await fleet.jobs(range(20, 30))
    worker = fleet.start(ready=False)
    await wait_until_async(lambda: worker.poll() is not None, 40)
    assert worker.returncode == 1
    assert "knows format 1" in fleet.log.read_text().splitlines()[-1]
    assert len(fleet.lines("start")) == 20


async def test_an_agent_that_holds_the_loop_is_named_in_the_log(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("job", [job(1, what="block")])
    await fleet.settled()
    assert "event='loop_held' agent='JobAgent'" in fleet.log.read_text()
    assert "time.sleep(2)" in fleet.log.read_text()
