"""Several topics on one state partition: one writer for all of them, through every fault."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.mark import Status
from support import wait_until
from support.cluster_fleet import ClusterFleet, Onlooker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from support.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(240)]

TYPES = ("deposit", "withdrawal", "refund")
EVENTS = 400
KEYS = 40


@pytest.fixture
async def till(cluster: Cluster, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    """The till on three brokers; no worker runs yet."""
    bootstrap = cluster.bootstrap
    async with ClusterFleet(bootstrap, tmp_path, module="support.till_app", copies=3) as till:
        yield till


def events(numbers: Iterable[int], seconds: float = 0.0) -> Iterator[tuple[bytes, bytes]]:
    """Each seventh fails at first, each fifth is sent twice; ids are the same in every topic."""
    for n in numbers:
        who, what = f"k{n % KEYS}", "fail once" if n % 7 == 0 else "nothing"
        record = json.dumps({"n": n, "who": who, "seconds": seconds, "what": what}).encode()
        yield from [(who.encode(), record)] * (2 if n % 5 == 0 else 1)


def everything(*kinds: str) -> Counter[tuple[str, int]]:
    return Counter({(kind, n): 1 for kind in kinds for n in range(EVENTS)})


def ended(till: ClusterFleet) -> int:
    return len(set(map(tuple, till.lines("end"))))


async def test_state_marks_and_emitted_events_are_right_after_kills_and_rebalances(
    cluster: Cluster, till: ClusterFleet
) -> None:
    killed, stopped = till.start(), till.start()
    with Onlooker(cluster.bootstrap, till.topic("booked")) as onlooker:
        for kind in TYPES:
            await till.send(kind, events(range(EVENTS), seconds=0.1))
        wait_until(lambda: ended(till) > 200, 40)
        till.kill(killed)
        till.start(ready=False)
        wait_until(lambda: ended(till) > 500, 40)
        (await cluster.leader(till.changelog(), 0)).kill()
        wait_until(lambda: ended(till) > 700, 40)
        assert till.stop(stopped) == 0
        await till.settled(90)
        booked = onlooker.count(lambda data: (data["kind"], data["n"]))
        assert booked == everything(*TYPES, "audit")
        assert numbers(onlooker) == {
            (kind, f"k{key}"): list(range(1, EVENTS // KEYS + 1))
            for kind in (*TYPES, "audit")
            for key in range(KEYS)
        }
    assert await till.marks(4) == {
        (kind, str(n)): Status.DONE for kind in TYPES for n in range(EVENTS)
    }
    assert await till.marks(3) == {("audit", str(n)): Status.DONE for n in range(EVENTS)}
    await nothing_runs_again(till)


def numbers(onlooker: Onlooker) -> dict[tuple[str, str], list[int]]:
    """By kind and customer: how the state has counted their bookings, in their order."""
    counted: dict[tuple[str, str], list[int]] = {}
    for record in onlooker.records:
        data = json.loads(record.value)
        counted.setdefault((data["kind"], data["who"]), []).append(data["number"])
    return counted


async def nothing_runs_again(till: ClusterFleet) -> None:
    """A worker that has its state from the changelogs alone knows every event of every topic."""
    for worker in till.workers:
        if worker.poll() is None:
            assert till.stop(worker) == 0
    shutil.rmtree(till.data)
    before = till.journal.read_text()
    till.start()
    for kind in TYPES:
        await till.send(kind, events(range(EVENTS)))
    await till.settled()
    assert till.journal.read_text() == before
