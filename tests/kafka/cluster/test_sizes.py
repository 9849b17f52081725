"""Records as large as they may be, and many of them: written or refused in words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import KafkaAdmin
from streamagents.runtime.partitioner import partition_of
from streamagents.topics import MAX_RECORD_BYTES, plan
from support.cluster import Cluster
from support.cluster_fleet import ClusterFleet
from support.workers import header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

MODULE = "support.parcels_app"
LARGE = MAX_RECORD_BYTES - 16_384
BOX_PARTITIONS = 12
"""As the application says."""


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    async with ClusterFleet(broker.address, tmp_path, module=MODULE) as fleet:
        yield fleet


def parcel(n: int, **fields: Any) -> tuple[bytes, bytes]:
    return str(n).encode(), json.dumps({"n": n, **fields}).encode()


def place_in_each_partition() -> list[str]:
    places: dict[int, str] = {}
    for n in range(1000):
        places.setdefault(partition_of(f"{n}".encode(), BOX_PARTITIONS), f"{n}")
    return list(places.values())


async def boxes(fleet: ClusterFleet) -> Counter[int]:
    """How many boxes came out of each parcel."""
    return Counter(json.loads(record.value or b"")["n"] for record in await fleet.read("box"))


async def test_large_records_to_many_partitions_at_once_are_written(fleet: ClusterFleet) -> None:
    """Together they are more than a broker takes in one request."""
    fleet.start()
    places = place_in_each_partition()[:8]
    await fleet.send("parcel", [parcel(0, places=places, size=LARGE), parcel(1)])
    await fleet.settled(30)
    assert await boxes(fleet) == {0: len(places), 1: 1}


@pytest.mark.long
async def test_many_records_of_the_largest_size_are_written(fleet: ClusterFleet) -> None:
    fleet.start()
    await fleet.send("parcel", [parcel(n, size=LARGE) for n in range(40)])
    await fleet.settled(90)
    assert await boxes(fleet) == Counter(range(40))


@pytest.mark.long
async def test_what_is_too_large_is_refused_in_words_and_the_rest_goes_on(
    fleet: ClusterFleet,
) -> None:
    fleet.start()
    sizes = [LARGE if n % 2 else MAX_RECORD_BYTES for n in range(20)]
    await fleet.send("parcel", [parcel(n, size=size) for n, size in enumerate(sizes)])
    await fleet.settled(90)
    assert await boxes(fleet) == Counter(range(1, 20, 2))
    letters = await fleet.letters("parcel")
    assert {header(letter, "streamagents-error-code") for letter in letters} == {"too_large"}
    assert sorted(json.loads(letter.value or b"")["n"] for letter in letters) == [*range(0, 20, 2)]


@pytest.mark.long
async def test_events_of_the_largest_size_become_letters_of_the_same_bytes(
    fleet: ClusterFleet,
) -> None:
    fleet.start()
    parcels = [parcel(n, what="fail", filling="x" * LARGE) for n in range(20)]
    await fleet.send("parcel", parcels)
    await fleet.settled(90)
    letters = await fleet.letters("parcel")
    assert sorted((letter.key, letter.value) for letter in letters) == sorted(parcels)


@pytest.mark.long
async def test_large_groups_do_not_outlast_their_transaction(
    kafka_runs: None, tmp_path: Path
) -> None:
    same = [n for n in range(1000) if partition_of(f"{n}".encode(), 4) == 0][:80]
    eager = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    with Cluster(tmp_path / "cluster", size=1, properties=eager) as cluster:
        async with ClusterFleet(cluster.bootstrap, tmp_path, module=MODULE) as fleet:
            fleet.start(PARCELS_TRANSACTION_MS="1500")
            await fleet.send("parcel", [parcel(n, size=LARGE) for n in same])
            await fleet.settled(90)
            assert await boxes(fleet) == Counter(same)
            # Nobody was fenced, so that nothing had to run again.
            assert Counter(int(n) for n, *_ in fleet.lines("start")) == Counter(same)


@pytest.mark.long
async def test_what_the_broker_refuses_becomes_a_letter_and_its_partition_goes_on(
    fleet: ClusterFleet,
) -> None:
    """The agent's own guard knows our limit, not one that somebody has lowered."""
    await lower_the_limit(fleet, fleet.topic("box"))
    fleet.start()
    sizes = [2 << 20 if n % 3 == 0 else 100 for n in range(30)]
    await fleet.send("parcel", [parcel(n, size=size) for n, size in enumerate(sizes)])
    await fleet.settled(60)
    assert await boxes(fleet) == Counter(n for n in range(30) if n % 3)
    letters = await fleet.letters("parcel")
    assert {header(letter, "streamagents-error-code") for letter in letters} == {"unwritable"}
    assert sorted(json.loads(letter.value or b"")["n"] for letter in letters) == [*range(0, 30, 3)]


async def lower_the_limit(fleet: ClusterFleet, topic: str) -> None:
    lowered = [
        replace(spec, config={**spec.config, "max.message.bytes": str(1 << 20)})
        for spec in fleet.specs()
        if spec.name == topic
    ]
    async with KafkaAdmin(fleet.bootstrap) as admin:
        await admin.apply(plan(lowered, await admin.describe([topic])))
