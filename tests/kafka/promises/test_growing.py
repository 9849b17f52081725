"""A topic gets more partitions: what was seen stays seen, state and waiting events move along."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from streamagents.bus import KafkaAdmin
from streamagents.errors import TopicsError
from support import wait_until_async
from support.commands import streamagents
from support.growing import grower
from support.letters import Operator
from support.topics import create_topics, spec
from support.workers import Fleet, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

KEYS = 20
_SCRIPT = "from streamagents.cli import main; main()"


def coins(*numbers: int, what: str = "") -> list[tuple[bytes, bytes]]:
    return [job(n, f"k{n % KEYS}", what=what) for n in numbers]


class Grown(Fleet):
    """A fleet, and the command that gives its topic more partitions."""

    @property
    def settings(self) -> dict[str, str]:
        return {**self.environment, "STREAMAGENTS_APP": self.module}

    def grow(self, code: int = 0, partitions: int = 8) -> str:
        arguments = ("topics", "grow", "coin", "--partitions", str(partitions))
        done = streamagents(*arguments, env=self.settings, cwd=self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def grow_and_die(self) -> None:
        """Be killed when the new state begins to be written."""
        arguments = ["topics", "grow", "coin", "--partitions", "8"]
        with subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, *arguments],
            env=self.settings,
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        ) as growing:
            assert growing.stderr is not None
            assert "values of the state move" in growing.stderr.readline()
            growing.kill()

    async def counted(self) -> list[dict[str, Any]]:
        return [json.loads(r.value or b"") for r in await self.read("counted")]


class Intruder:
    """Joins the group while others grow its topic, in a thread of its own."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._in, self._out = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stay()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.set()
        self._thread.join(30)

    def join(self, said: str) -> None:
        """Join as soon as anything is said."""
        if not self._thread.ident:
            self._thread.start()
            assert self._in.wait(60), said

    async def _stay(self) -> None:
        consumer = AIOKafkaConsumer(
            self._fleet.topic("counted"),
            bootstrap_servers=self._fleet.bootstrap,
            group_id=self._fleet.group,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            await wait_until_async(consumer.assignment, 60)
            self._in.set()
            await wait_until_async(self._out.is_set, 120)
        finally:
            await consumer.stop()


@pytest.mark.long
async def test_state_seen_ids_and_what_waits_move_with_their_keys(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Grown(broker.address, tmp_path, module="support.grown_app") as fleet:
        operator = Operator(fleet)
        worker = fleet.start(LATER=str(time.time() + 3600))
        await fleet.send("coin", coins(*range(60)))
        await fleet.send("coin", coins(60, 61, 62, what="fail"))
        await fleet.send("coin", coins(63, 64, what="later"))
        await fleet.send("coin", coins(83, 84))  # behind them, of the same keys
        soon = (datetime.now(UTC) + timedelta(seconds=90)).isoformat().encode()
        delayed = coins(*range(100, 110))
        await fleet.send("coin", delayed, headers=[("streamagents-not-before", soon)])
        await fleet.settled()
        assert "has 1 workers: stop them all" in fleet.grow(code=1)
        fleet.stop(worker)
        await fleet.send("coin", coins(*range(60), *range(120, 160)))  # all of them unread

        fleet.grow_and_die()
        assert "grew from 4 to 8 partitions" in fleet.grow()
        async with KafkaAdmin(fleet.bootstrap) as admin:
            partitions = await admin.partitions()
        assert {partitions[fleet.topic(name)] for name in ("coin", "coin.dlq")} == {8}

        fleet.start(GROWN="8")
        fleet.environment["GROWN"] = "8"
        said = Operator(fleet).json("replay", "--topic", "coin", "--yes", "--wait", "60")
        assert said["outcomes"] == {"done": 3}
        wanted = {*range(65), 83, 84, *range(100, 110), *range(120, 160)}

        async def all_counted() -> bool:
            return len(await fleet.counted()) >= len(wanted)

        await wait_until_async(all_counted, 180)
        await fleet.settled()
        counted = await fleet.counted()
        assert Counter(c["n"] for c in counted) == dict.fromkeys(wanted, 1)
        counts: dict[str, list[int]] = defaultdict(list)
        for c in counted:
            counts[c["who"]].append(c["count"])
        assert all(sorted(found) == list(range(1, len(found) + 1)) for found in counts.values())
        order = [c["n"] for c in counted if c["who"] == "k3"]
        assert order.index(63) < order.index(83)
        assert Counter(fleet.lines("pay")[i][0] for i in range(len(fleet.lines("pay")))) == (
            dict.fromkeys(map(str, wanted), 1)
        )
        assert operator.waiting() == 0
        fleet.stop(fleet.workers[-1])
        assert "has 8 partitions already" in fleet.grow(code=1)
        assert "can only grow" in fleet.grow(code=1, partitions=4)


async def test_a_worker_that_starts_in_the_middle_is_refused(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Grown(broker.address, tmp_path, module="support.grown_app") as fleet:
        worker = fleet.start()
        await fleet.send("coin", coins(*range(40)))
        await fleet.settled()
        fleet.stop(worker)
        fleet.grow_and_die()

        for partitions in ("4", "8"):  # the old number, and the new one too soon
            worker = fleet.start(ready=False, GROWN=partitions)
            assert worker.wait(60) == 1
        said = fleet.log.read_text()
        assert "Traceback" not in said
        assert "intake_begins" not in said.rpartition("LeaveGroup")[2]
        assert "grew from 4 to 8 partitions" in fleet.grow()


async def test_a_worker_that_joins_in_the_middle_ends_it_before_anything_is_deleted(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Grown(broker.address, tmp_path, module="support.grown_app") as fleet:
        worker = fleet.start()
        await fleet.send("coin", coins(*range(40)))
        await fleet.settled()
        fleet.stop(worker)
        kept = await fleet.state()
        await fleet.send("coin", coins(*range(40, 80)))  # unread

        with Intruder(fleet) as intruder:
            with pytest.raises(TopicsError, match="has been started meanwhile: stop it"):
                await grower(fleet, intruder.join).grow([fleet.topic("coin")], 8)
            assert await fleet.state() == kept
        assert "grew from 4 to 8 partitions" in fleet.grow()


async def test_a_transaction_that_a_kill_left_open_is_waited_for(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Grown(broker.address, tmp_path, module="support.grown_app") as fleet:
        worker = fleet.start()
        await fleet.send("coin", coins(*range(40)))
        await fleet.settled()
        fleet.stop(worker)
        changelog = spec(fleet.topic("grown-state-p8-changelog"), partitions=8)
        await create_topics(fleet.bootstrap, changelog)

        async with left_open(fleet.bootstrap, changelog.name, range(8)):
            grown = await grower(fleet, print).grow([fleet.topic("coin")], 8)
        assert (grown.before, grown.after) == (4, 8)
        assert grown.values >= 40


@asynccontextmanager
async def left_open(bootstrap: str, topic: str, partitions: Iterable[int]) -> AsyncIterator[None]:
    """A transaction that nobody ends: the broker does, some seconds later."""
    dead = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"dead-{uuid.uuid4()}",
        transaction_timeout_ms=10_000,
    )
    await dead.start()
    await dead.begin_transaction()
    for number in partitions:
        await dead.send_and_wait(topic, b"0", key=b"w\0", partition=number)
    try:
        yield
    finally:
        with suppress(KafkaError):
            await dead.stop()


async def test_what_cannot_be_grown_is_refused_in_words(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with Fleet(broker.address, tmp_path, module="support.works_app") as fleet:
        env = {**fleet.environment, "STREAMAGENTS_APP": fleet.module}

        def grow(*topics: str) -> str:
            done = streamagents("topics", "grow", *topics, "--partitions", "8", env=env)
            assert (done.returncode, done.stdout) == (1, "")
            return done.stderr

        assert f"No agent of {fleet.group} takes {fleet.topic('nope')}." in grow("nope")
        assert f"The same agent takes {fleet.topic('visit')}, too" in grow("bill")
