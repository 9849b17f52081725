"""Real faults, a real Prometheus: the alert comes, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.commands import CHECKOUT
from support.prometheus import running_prometheus
from support.workers import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

RULES = CHECKOUT / "monitoring/rules/streamagents.yml"
MOST_LIVES = 6


async def test_a_loop_that_stands_still_and_an_event_that_kills_are_told_of(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    ports = {name: free_port() for name in ("stuck", "looping")}
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    targets = {"streamagents-worker": list(at.values())}
    folders = {name: tmp_path / name for name in (*at, "prometheus")}
    for folder in folders.values():
        folder.mkdir()
    async with (
        Fleet(broker.address, folders["stuck"]) as stuck,
        Fleet(broker.address, folders["looping"]) as looping,
    ):
        with running_prometheus(
            folders["prometheus"], targets, rules=[RULES], interval_s=0.5
        ) as prometheus:
            stuck.start(STREAMAGENTS_WEB_PORT=str(ports["stuck"]))
            await stuck.jobs([1], what="dead")
            wait_until(lambda: stuck.lines("start"), 20)
            await looping.jobs([1], what="kill")

            def looks() -> bool:
                return bool(prometheus.firing("StreamagentsCrashLoop"))

            lives = 0
            while not looks() and lives < MOST_LIVES:
                lives += 1
                life = looping.start(ready=False, STREAMAGENTS_WEB_PORT=str(ports["looping"]))
                wait_until(lambda life=life: life.poll() is not None or looks(), 60)
            (loop,) = prometheus.firing("StreamagentsCrashLoop")
            assert loop["instance"] == at["looping"]
            wait_until(lambda: prometheus.firing("StreamagentsStuck"), 20)
            assert [one["instance"] for one in prometheus.firing("StreamagentsStuck")] == [
                at["stuck"]
            ]
            died = prometheus.firing("StreamagentsWorkerDied")
            assert [one["instance"] for one in died] == [at["looping"]]
