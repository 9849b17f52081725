"""Standbys: whoever takes over has the state already."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.cluster_fleet import ClusterFleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(180)]

JOBS = 8000
_ROW = re.compile(r"^\|[^|]*\|\s*(\d+)\s*\|\s*(-?\d+)\s*\|$")


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    async with ClusterFleet(broker.address, tmp_path) as fleet:
        yield fleet


def last_table(log: str, title: str) -> dict[int, int]:
    """Offsets by partition, from the last table of this title that Faust has logged."""
    lines = log[log.rindex(title) :].splitlines()[1:]
    rows = [match for line in lines[:12] if (match := _ROW.match(line))]
    return {int(row[1]): int(row[2]) for row in rows}


async def test_a_killed_workers_partitions_are_taken_over_without_a_replay(
    fleet: ClusterFleet,
) -> None:
    killed, _ = fleet.start(), fleet.start()
    await fleet.jobs(range(JOBS), keys=1000)
    await fleet.settled(120)
    begun = fleet.log.read_text().count("intake_begins")
    fleet.kill(killed)
    wait_until(lambda: fleet.log.read_text().count("intake_begins") > begun, 60)
    log = fleet.log.read_text()
    ends, starts = last_table(log, "+Highwater - Active"), last_table(log, "+Reading Starts At - A")
    assert set(ends) == set(starts) == {0, 1, 2, 3}
    assert sum(ends.values()) > JOBS - 4
    assert all(ends[partition] - starts[partition] < 10 for partition in ends)
    await fleet.jobs(range(JOBS + 100), keys=1000)
    await fleet.settled(120)
    assert Counter(int(n) for n, *_ in fleet.lines("end")) == Counter(range(JOBS + 100))
