"""Brokers of three die or freeze: nothing is lost, nothing is seen twice, and work goes on."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until, wait_until_async
from support.cluster import Cluster
from support.cluster_fleet import ClusterFleet, Onlooker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from support.cluster import Node

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

AFTER_A_DEATH_S = 30.0
"""Kafka needs 3 s here to notice, the clients a moment: 3 to 6 s where nothing else runs."""
AFTER_A_FREEZE_S = 75.0
"""The consumer gives a request 40 s."""
TRANSACTION_S = 60.0
JOBS = 1500


def once(numbers: range) -> Counter[int]:
    return Counter(dict.fromkeys(numbers, 1))


async def transaction_coordinator(cluster: Cluster, fleet: ClusterFleet) -> Node:
    return await cluster.transaction_coordinator(fleet.transactional_id(0))


async def changelog_leader(cluster: Cluster, fleet: ClusterFleet) -> Node:
    return await cluster.leader(fleet.changelog(), 0)


async def group_coordinator(cluster: Cluster, fleet: ClusterFleet) -> Node:
    return await cluster.group_coordinator(fleet.group)


ROLES = [transaction_coordinator, changelog_leader, group_coordinator]


@pytest.mark.parametrize(
    "role", [ROLES[0], *(pytest.param(role, marks=pytest.mark.long) for role in ROLES[1:])]
)
async def test_the_death_of_a_broker_loses_nothing_and_shows_nothing_twice(
    cluster: Cluster, fleet: ClusterFleet, role: Callable[[Cluster, ClusterFleet], Awaitable[Node]]
) -> None:
    worker = fleet.start()
    with Onlooker(cluster.bootstrap, fleet.topic("job_done")) as onlooker:
        await fleet.jobs(range(JOBS), seconds=0.1)
        wait_until(lambda: len(fleet.lines("end")) > 200)
        (await role(cluster, fleet)).kill()
        killed = time.monotonic()
        await fleet.jobs(range(JOBS, JOBS + 200))
        await fleet.settled(90)
        assert onlooker.count() == await fleet.done() == once(range(JOBS + 200))
        assert onlooker.longest_gap(killed) < AFTER_A_DEATH_S
    assert worker.poll() is None


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
async def test_a_broker_that_freezes_for_good_stops_nobody(
    cluster: Cluster, fleet: ClusterFleet, role: Callable[[Cluster, ClusterFleet], Awaitable[Node]]
) -> None:
    worker = fleet.start()
    with Onlooker(cluster.bootstrap, fleet.topic("job_done")) as onlooker:
        await fleet.jobs(range(JOBS), seconds=0.1)
        wait_until(lambda: len(fleet.lines("end")) > 200)
        (await role(cluster, fleet)).freeze()
        await fleet.jobs(range(JOBS, JOBS + 200))
        await wait_until_async(
            lambda: onlooker.count() == once(range(JOBS + 200)), AFTER_A_FREEZE_S
        )
    assert worker.poll() is None


@pytest.mark.long
@pytest.mark.parametrize("outage_s", [5.0, TRANSACTION_S + 15])
async def test_with_two_brokers_down_nothing_is_acknowledged_and_nothing_is_lost(
    cluster: Cluster, fleet: ClusterFleet, outage_s: float
) -> None:
    await two_go_down(cluster, fleet, outage_s)


@pytest.mark.long
async def test_the_same_while_the_cluster_notices_it(kafka_runs: None, tmp_path: Path) -> None:
    """Without a controller the last broker waits for the dead; with one it refuses to write."""
    with Cluster(tmp_path / "cluster", apart=True) as cluster:
        async with ClusterFleet(cluster.bootstrap, tmp_path, copies=3) as fleet:
            await two_go_down(cluster, fleet, TRANSACTION_S + 15)


async def two_go_down(cluster: Cluster, fleet: ClusterFleet, outage_s: float) -> None:
    worker = fleet.start()
    with Onlooker(cluster.bootstrap, fleet.topic("job_done")) as onlooker:
        await fleet.jobs(range(JOBS), seconds=0.5)  # 15 s of work: it outlasts the first death
        wait_until(lambda: len(fleet.lines("end")) > 200)
        cluster.nodes[0].kill()
        killed, before = time.monotonic(), len(onlooker.records)
        await wait_until_async(lambda: len(onlooker.records) > before + 200, AFTER_A_DEATH_S)
        cluster.nodes[1].kill()
        onlooker.silence(outage_s, outage_s + 10)
        assert len(onlooker.count()) < len(fleet.lines("end"))
        assert worker.poll() is None
        cluster.nodes[1].start()
        await wait_until_async(lambda: onlooker.count() == once(range(JOBS)), 90)
        await fleet.settled()
        assert await fleet.done() == once(range(JOBS))
        assert onlooker.longest_gap(killed) < outage_s + 2 * AFTER_A_DEATH_S
    assert worker.poll() is None
