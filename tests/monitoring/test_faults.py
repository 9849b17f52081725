"""Real faults under a real Prometheus: the alert comes, and for nobody else."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.commands import CHECKOUT
from support.prometheus import Prometheus, running_prometheus
from support.workers import Fleet

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

RULES = CHECKOUT / "monitoring/rules/streamagents.yml"
MOST_LIVES = 6


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Two fleets of one worker each, which keeps its address over its lives."""

    prometheus: Prometheus
    stuck: Fleet
    looping: Fleet
    ports: dict[Fleet, int]

    def start(self, fleet: Fleet) -> subprocess.Popen[bytes]:
        return fleet.start(ready=False, STREAMAGENTS_WEB_PORT=str(self.ports[fleet]))

    def fires(self, alert: str) -> list[Fleet]:
        """Whose worker the alert is about."""
        at = {f"127.0.0.1:{port}": fleet for fleet, port in self.ports.items()}
        return [at[labels["instance"]] for labels in self.prometheus.firing(alert)]


@pytest.fixture
async def watch(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Watch]:
    async with AsyncExitStack() as stack:
        fleets = []
        for name in ("stuck", "looping"):
            (tmp_path / name).mkdir()
            fleet = Fleet(broker.address, tmp_path / name)
            fleets.append(await stack.enter_async_context(fleet))
        ports = {fleet: free_port() for fleet in fleets}
        targets = {"streamagents-worker": [f"127.0.0.1:{port}" for port in ports.values()]}
        running = running_prometheus(tmp_path, targets, rules=[RULES], interval_s=0.5)
        prometheus = stack.enter_context(running)
        stuck, looping = fleets
        yield Watch(prometheus=prometheus, stuck=stuck, looping=looping, ports=ports)


@pytest.mark.long
async def test_a_loop_that_stands_still_and_an_event_that_kills_are_told_of(watch: Watch) -> None:
    stuck, looping = watch.stuck, watch.looping
    await stuck.jobs([1], what="dead")
    await looping.jobs([1], what="kill")
    watch.start(stuck)
    for _ in range(MOST_LIVES):
        if not watch.fires("StreamagentsCrashLoop"):
            wait_until(partial(_ends_or_is_told_of, watch.start(looping), watch), 60)

    wait_until(lambda: watch.fires("StreamagentsStuck"), 20)
    assert watch.fires("StreamagentsStuck") == [stuck]
    assert watch.fires("StreamagentsCrashLoop") == [looping]
    assert looping in watch.fires("StreamagentsWorkerDied")


def _ends_or_is_told_of(life: subprocess.Popen[bytes], watch: Watch) -> bool:
    return life.poll() is not None or bool(watch.fires("StreamagentsCrashLoop"))
