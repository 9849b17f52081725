"""Fixtures for tests on three brokers: the cluster of a module, and a fleet of each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cluster import Cluster
from support.cluster_fleet import ClusterFleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running_cluster(
    kafka_runs: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Three brokers that the tests of a module share."""
    with Cluster(tmp_path_factory.mktemp("cluster") / "cluster") as cluster:
        yield cluster


@pytest.fixture
async def cluster(running_cluster: Cluster) -> Cluster:
    """The module's brokers, all of them up and in sync again."""
    await running_cluster.heal()
    return running_cluster


@pytest.fixture
async def fleet(cluster: Cluster, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    """The jobs application on three brokers; no worker runs yet."""
    async with ClusterFleet(cluster.bootstrap, tmp_path, copies=cluster.size) as fleet:
        yield fleet
