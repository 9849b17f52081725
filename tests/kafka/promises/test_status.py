"""`streamagents status` on real groups: at work, dead, frozen, with a monitor that fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from support import wait_until
from support.commands import streamagents
from support.pages import port_of
from support.workers import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def status(fleet: Fleet) -> tuple[int, dict[str, Any]]:
    """The exit code, and all that it tells."""
    done = streamagents("status", "--json", "--app", fleet.module, env=fleet.environment)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_group_at_work_is_shown_with_all_of_its_workers(fleet: Fleet) -> None:
    fleet.start()
    fleet.start()
    await fleet.jobs(range(100))
    await fleet.jobs(range(1000, 1003), what="reject")
    await fleet.settled()

    def both_have_partitions() -> bool:
        return all(one["partitions"] for one in status(fleet)[1]["workers"])

    wait_until(both_have_partitions, 40)
    code, told = status(fleet)

    assert (code, told["status"], told["reason"]) == (0, "ok", "")
    assert [one["status"] for one in told["workers"]] == ["ok", "ok"]
    ports = sorted(f"127.0.0.1:{port_of(fleet, n)}" for n in (-1, -2))
    assert sorted(one["address"] for one in told["workers"]) == ports
    owned = [number for one in told["workers"] for number in one["partitions"][fleet.topic("job")]]
    assert sorted(owned) == [0, 1, 2, 3]
    job = told["topics"][fleet.topic("job")]
    assert (job["waiting"], job["in_flight"], job["dead_letters"]) == (0, 0, 3)
    assert job["age_s"] < 60
    assert (told["parked"], told["provider"], told["circuit"]) == ({}, "rules", "closed")


async def test_a_group_of_which_nobody_runs_tells_how_many_events_wait(fleet: Fleet) -> None:
    code, told = status(fleet)
    assert (code, told["reason"]) == (0, "no worker runs, and nothing waits")
    worker = fleet.start()
    await fleet.jobs(range(20))
    await fleet.settled()
    assert fleet.stop(worker) == 0
    await fleet.jobs(range(20, 27))

    code, told = status(fleet)

    assert (code, told["status"]) == (1, "stuck")
    assert told["reason"] == "no worker runs; 7 events wait"
    assert told["workers"] == []
    assert told["topics"][fleet.topic("job")]["waiting"] == 7
    assert told["parked"] is None  # nobody tells


async def test_a_worker_that_was_killed_a_moment_ago_is_seen_as_gone(fleet: Fleet) -> None:
    fleet.kill(fleet.start())
    await fleet.jobs(range(5))

    code, told = status(fleet)

    assert (code, told["reason"]) == (1, "no worker runs; 5 events wait")
    assert [one["status"] for one in told["workers"]] in ([], ["gone"])


async def test_a_frozen_worker_is_seen_as_such(fleet: Fleet) -> None:
    worker = fleet.start(STREAMAGENTS_SESSION_TIMEOUT_S="30")
    worker.send_signal(signal.SIGSTOP)
    try:
        code, told = await asyncio.to_thread(status, fleet)
    finally:
        worker.send_signal(signal.SIGCONT)

    (one,) = told["workers"]
    assert (code, told["status"], one["reason"]) == (
        1,
        "stuck",
        "it takes connections and has said nothing for 2 s",
    )
    assert (one["worker"], one["status"]) == (f"{os.uname().nodename}:{worker.pid}", "silent")
    assert one["reason"] in told["reason"]
    wait_until(lambda: status(fleet)[0] == 0, 30)


async def test_topics_that_are_missing_are_named(broker: EmbeddedBroker, tmp_path: Path) -> None:
    fleet = Fleet(broker.address, tmp_path)

    code, told = status(fleet)

    assert (code, told["status"]) == (1, "stuck")
    assert "topics do not exist" in told["reason"]
    assert "topics apply" in told["reason"]


async def test_people_get_one_screen_and_pipes_a_line_for_each(fleet: Fleet) -> None:
    fleet.start()
    await fleet.jobs(range(3))
    await fleet.settled()

    done = streamagents("status", "--app", fleet.module, env=fleet.environment)

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"{fleet.group} on {fleet.bootstrap}: ok"
    (worker,) = [line for line in lines if str(fleet.workers[0].pid) in line]
    assert f"127.0.0.1:{port_of(fleet)}" in worker
    (job,) = [line for line in lines if line.split()[:1] == [fleet.topic("job")]]
    assert job.split()[1:3] == ["0", "0"]
    assert "\x1b" not in done.stdout


async def test_a_monitor_that_always_fails_reads_as_failing(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Fleet(broker.address, tmp_path, module="support.watchers_app") as fleet:
        fleet.start()

        def fails() -> bool:
            (monitor,) = status(fleet)[1]["monitors"]
            return bool(monitor["poll"]) and monitor["poll"]["failures"] > 0

        wait_until(fails, 60)
        (monitor,) = status(fleet)[1]["monitors"]
        shown = streamagents("status", "--app", fleet.module, env=fleet.environment).stdout

    assert monitor["poll"]["outcome"] in {"failed", "skipped"}
    assert "private address" in monitor["poll"]["reason"]
    (line,) = [line for line in shown.splitlines() if "monitor/beta" in line]
    assert "failing, " in line
    assert "in a row: " in line
