"""Type=notify and WatchdogSec= as systemd has them: what real processes tell, and when no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.commands import CHECKOUT
from support.gateway_process import GatewayProcess
from support.supervising import listening
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker
    from support.supervising import Listener

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
def systemd() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application; no worker runs yet."""
    async with Fleet(broker.address, tmp_path) as fleet:
        yield fleet


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`streamagents ...` as a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "streamagents", *arguments],
            env={**kept, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}", **environment},
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        yield process
        process.kill()


def fed(line: str) -> bool:
    return line == "WATCHDOG=1"


def is_ready(line: str) -> bool:
    return line == "READY=1"


async def test_a_worker_is_ready_when_it_takes_events_and_a_frozen_one_starves_its_watchdog(
    fleet: Fleet, systemd: Listener
) -> None:
    worker = fleet.start(ready=False, **systemd.environment)
    systemd.until(is_ready)
    assert "intake_begins" in fleet.log.read_text()
    assert systemd.heard[0] == "EXTEND_TIMEOUT_USEC=60000000"
    systemd.until(lambda line: line == "STATUS=ok")

    worker.send_signal(signal.SIGSTOP)
    assert systemd.silence()
    worker.send_signal(signal.SIGCONT)
    systemd.until(fed)

    assert fleet.stop(worker) == 0
    systemd.until(lambda line: line == "STOPPING=1")
    assert systemd.counts()["READY=1"] == 1


async def test_an_agent_that_holds_the_loop_starves_the_watchdog(
    fleet: Fleet, systemd: Listener
) -> None:
    worker = fleet.start(ready=False, **systemd.environment)
    systemd.until(is_ready)
    await fleet.jobs([1], what="dead")
    wait_until(lambda: fleet.lines("start"), 20)

    assert systemd.silence()
    assert worker.poll() is None  # we end it later, with all stacks


async def test_a_start_that_waits_for_its_broker_is_given_time_and_is_not_ready(
    own_broker: EmbeddedBroker, tmp_path: Path, systemd: Listener
) -> None:
    own_broker.start()
    async with Fleet(own_broker.address, tmp_path) as fleet:
        own_broker.stop()
        fleet.start(ready=False, **systemd.environment)
        for _ in range(5):
            systemd.until(lambda line: line == "EXTEND_TIMEOUT_USEC=60000000")
        assert systemd.heard[-1] == "STATUS=starting: a Kafka broker is waited for"
        assert systemd.counts()["READY=1"] == 0

        own_broker.start()
        systemd.until(is_ready)


def test_a_gateway_that_is_frozen_starves_its_watchdog(
    broker: EmbeddedBroker, tmp_path: Path, systemd: Listener
) -> None:
    with GatewayProcess(broker.address, tmp_path, env=systemd.environment) as gateway:
        systemd.until(is_ready)
        systemd.until(lambda line: line == "STATUS=ok")
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGSTOP)
        assert systemd.silence()
        gateway.process.send_signal(signal.SIGCONT)
        systemd.until(fed)
        gateway.stop()
        systemd.until(lambda line: line == "STOPPING=1")
        wait_until(lambda: gateway.has_ended, 30)


async def test_who_watches_folders_is_ready_when_the_broker_is_there(
    fleet: Fleet, systemd: Listener
) -> None:
    (fleet.folder / "in").mkdir()
    settings = {
        **{name: text for name, text in fleet.environment.items() if "STREAMAGENTS" in name},
        "STREAMAGENTS_WATCH": json.dumps({"in": {"path": str(fleet.folder / "in"), "type": "job"}}),
    }
    command = ("watch", "-A", "support.jobs_app")
    with running(fleet.folder, *command, **settings, **systemd.environment) as process:
        systemd.until(is_ready)
        systemd.until(fed)
        process.terminate()
        systemd.until(lambda line: line == "STOPPING=1")


def test_a_broker_that_is_frozen_starves_its_watchdog_though_its_keeper_is_not(
    own_broker: EmbeddedBroker, tmp_path: Path, systemd: Listener
) -> None:
    settings = {
        "STREAMAGENTS_DATA_DIR": str(tmp_path),
        "STREAMAGENTS_KAFKA_PORT": str(own_broker.port),
    }
    command = ("kafka", "up", "--foreground")
    with running(tmp_path, *command, **settings, **systemd.environment) as process:
        systemd.until(is_ready, 60)
        assert own_broker.status().running
        systemd.until(fed)

        own_broker.freeze()
        systemd.until(lambda line: line == "STATUS=Kafka does not answer")
        assert systemd.silence()
        own_broker.thaw()
        systemd.until(fed)

        process.terminate()
        systemd.until(lambda line: line == "STOPPING=1")
        assert process.wait(60) == 0
    assert not own_broker.status().running
