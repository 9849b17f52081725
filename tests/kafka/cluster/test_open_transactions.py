"""A transaction that is open when its worker dies: the next owner aborts it, nobody sees it."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.mark import Mark, Status
from support import wait_until, wait_until_async
from support.cluster_fleet import ClusterFleet, Onlooker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

JOBS = 40


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[ClusterFleet]:
    """Workers that leave their transactions open for a while."""
    module = "support.open_transactions_app"
    async with ClusterFleet(broker.address, tmp_path, module=module) as fleet:
        yield fleet


def once(numbers: range) -> Counter[int]:
    return Counter(dict.fromkeys(numbers, 1))


@pytest.mark.parametrize(
    "fault", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.long)]
)
async def test_what_an_open_transaction_holds_is_seen_by_nobody(
    fleet: ClusterFleet, fault: signal.Signals
) -> None:
    hit = fleet.start()
    done = fleet.topic("job_done")
    with (
        Onlooker(fleet.bootstrap, done) as seen,
        Onlooker(fleet.bootstrap, done, isolation="read_uncommitted") as raw,
    ):
        await fleet.jobs(range(JOBS))
        await wait_until_async(lambda: raw.count() - seen.count(), 30)
        hit.send_signal(fault)
        raw.silence(1)
        held = raw.count() - seen.count()
        assert held
        assert seen.count() + held == raw.count()
        fleet.start(JOBS_OPEN_S="0")
        await wait_until_async(lambda: len(seen.count()) == JOBS, 60)
        if fault is signal.SIGSTOP:
            hit.send_signal(signal.SIGCONT)
            wait_until(lambda: "ProducerFenced" in fleet.log.read_text(), 30)
        await fleet.settled()
        assert seen.count() == await fleet.done() == once(range(JOBS))
        assert all(raw.count()[n] > 1 for n in held)
    await every_mark_was_written_once(fleet)


async def every_mark_was_written_once(fleet: ClusterFleet) -> None:
    records = await fleet.read(fleet.changelog().removeprefix(fleet.prefix))
    done = [
        record.key
        for record in records
        if (record.key or b"").startswith(b"e\0")
        and Mark.decode(record.value or b"").status is Status.DONE
    ]
    assert len(done) == len(set(done)) == JOBS
