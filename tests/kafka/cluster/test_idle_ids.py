"""A worker that had nothing to do for so long that the broker has forgotten its producers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support.cluster import Cluster
from support.cluster_fleet import ClusterFleet, Onlooker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(180)]

IDLE_S = 8.0
"""Longer than all of these together."""
FORGETFUL = {
    "transactional.id.expiration.ms": "3000",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "1000",
    "producer.id.expiration.ms": "3000",
    "producer.id.expiration.check.interval.ms": "1000",
}
"""7 days, 1 hour, 1 day, 10 minutes in other places."""


@pytest.fixture(scope="module")
def forgetful(kafka_runs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker with a short memory."""
    folder = tmp_path_factory.mktemp("forgetful")
    with Cluster(folder / "cluster", size=1, properties=FORGETFUL) as cluster:
        yield cluster


@pytest.fixture
async def fleet(forgetful: Cluster, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    async with ClusterFleet(forgetful.bootstrap, tmp_path) as fleet:
        yield fleet


async def idle_between_jobs(fleet: ClusterFleet) -> None:
    with Onlooker(fleet.bootstrap, fleet.topic("job_done")) as onlooker:
        for begin in (0, 200, 400):
            await fleet.jobs(range(begin, begin + 200))
            await fleet.settled()
            onlooker.silence(IDLE_S)
        assert onlooker.count() == Counter(dict.fromkeys(range(600), 1))


async def test_a_worker_whose_ids_have_expired_goes_on_writing(fleet: ClusterFleet) -> None:
    worker = fleet.start()
    await idle_between_jobs(fleet)
    assert worker.poll() is None


async def test_it_says_why_it_joined_again(fleet: ClusterFleet) -> None:
    fleet.start()
    await idle_between_jobs(fleet)
    lost = [line for line in fleet.log.read_text().splitlines() if "partition_lost" in line]
    assert lost
    assert all("InvalidProducerIdMapping" in line for line in lost)
