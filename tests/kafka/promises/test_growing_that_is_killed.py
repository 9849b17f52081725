"""`topics grow` is killed at every step of it, and run again: all is there once, and in order."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streamagents.bus import KafkaAdmin, KafkaTogether
from streamagents.runtime import unread
from support import wait_until_async
from support.growing import grower
from support.letters import Operator
from support.workers import Fleet, job

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

KEYS = 20
BATCH = 10
SEEN, UNREAD = range(60), range(200, 400)


def coins(numbers: Iterable[int], **fields: Any) -> list[tuple[bytes, bytes]]:
    return [job(n, f"k{n % KEYS}", **fields) for n in numbers]


async def counted(fleet: Fleet) -> list[dict[str, Any]]:
    """What the agent has emitted, read by a client that knows nothing of us."""
    consumer = AIOKafkaConsumer(bootstrap_servers=fleet.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        tps = [TopicPartition(fleet.topic("counted"), number) for number in range(4)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        found: list[dict[str, Any]] = []
        while behind := [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            for records in (await consumer.getmany(*behind, timeout_ms=300)).values():
                found += [json.loads(record.value) for record in records]
        return found
    finally:
        await consumer.stop()


def die_again_and_again(fleet: Fleet, *seed: str) -> list[str]:
    """Where it was killed, until it came to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "support.grow_and_die", "coin", "8", str(BATCH), *seed],
        env={**fleet.environment, "STREAMAGENTS_APP": fleet.module},
        cwd=fleet.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    places: list[str] = json.loads(done.stdout.splitlines()[-1])
    return places


@pytest.mark.long
@pytest.mark.parametrize("seed", [(), ("7",)], ids=["each step", "at random, too"])
async def test_a_kill_at_any_step_loses_repeats_and_reorders_nothing(
    broker: EmbeddedBroker, tmp_path: Path, seed: tuple[str, ...]
) -> None:
    async with Fleet(broker.address, tmp_path, module="support.grown_app") as fleet:
        worker = fleet.start(ready=False, LATER=str(time.time() + 3600))
        await fleet.send("coin", coins(SEEN))
        await fleet.send("coin", coins((60, 61, 62), what="fail"))
        await fleet.send("coin", coins((63, 64), what="later"))
        await fleet.send("coin", coins((83, 84)))  # behind them, of the same keys
        soon = (datetime.now(UTC) + timedelta(seconds=90)).isoformat().encode()
        delayed = [("streamagents-not-before", soon)]
        await fleet.send("coin", coins(range(100, 110)), headers=delayed)
        await fleet.settled(240)
        fleet.stop(worker)
        await fleet.send("coin", coins((*SEEN, *UNREAD)))  # the first of them are known

        places = die_again_and_again(fleet, *seed)
        assert places.count("send_together") > 8
        assert set(places) >= {"apply", "add_partitions", "_fence", "send_together"}

        fleet.environment["GROWN"] = "8"
        fleet.start(ready=False)
        said = Operator(fleet).json("replay", "--topic", "coin", "--yes", "--wait", "60")
        assert said["outcomes"] == {"done": 3}
        wanted = {*SEEN, *range(60, 65), 83, 84, *range(100, 110), *UNREAD}

        async def all_counted() -> bool:
            return len(await counted(fleet)) >= len(wanted)

        await wait_until_async(all_counted, 180)
        await fleet.settled(240)
        found = await counted(fleet)
        assert Counter(c["n"] for c in found) == dict.fromkeys(wanted, 1)
        assert Counter(int(n) for n, *_ in fleet.lines("pay")) == dict.fromkeys(wanted, 1)
        by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for c in found:
            by_key[c["who"]].append(c)
        for key, ours in by_key.items():
            assert [c["count"] for c in ours] == list(range(1, len(ours) + 1)), key
            unread = [c["n"] for c in ours if c["n"] in UNREAD]
            assert unread == sorted(unread), key


class Killed(BaseException):
    """What a test puts in the place of a kill between two transactions."""


@pytest.mark.parametrize("lives", [(2,), (3, 1, 2)], ids=str)
async def test_keys_keep_their_order_when_it_is_killed_between_two_batches(
    broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives: tuple[int, ...]
) -> None:
    monkeypatch.setattr(unread, "_BATCH", BATCH)
    send_together = KafkaTogether.send_together
    async with Fleet(broker.address, tmp_path, module="support.grown_app") as fleet:
        await fleet.send("coin", coins(range(100)))
        for batches in lives:
            left = batches

            async def until_killed(writer: KafkaTogether, *records: Any, **more: Any) -> None:
                nonlocal left
                if not left:
                    raise Killed
                left -= 1
                await send_together(writer, *records, **more)

            monkeypatch.setattr(KafkaTogether, "send_together", until_killed)
            with pytest.raises(Killed):
                await grower(fleet, print).grow([fleet.topic("coin")], 8)
        monkeypatch.setattr(KafkaTogether, "send_together", send_together)
        await grower(fleet, print).grow([fleet.topic("coin")], 8)
        found = await still_unread(fleet)
    assert {n for numbers in found.values() for n in numbers} == set(range(100))
    assert found == {key: sorted(numbers) for key, numbers in found.items()}


async def still_unread(fleet: Fleet) -> dict[str, list[int]]:
    """By key, what a worker will see for the first time, in the order in which it will."""
    async with KafkaAdmin(fleet.bootstrap) as admin:
        commits = await admin.committed(fleet.group)
    found: dict[str, list[int]] = defaultdict(list)
    for record in await fleet.read("coin"):
        if record.offset >= commits.get((record.topic, record.partition), 0):
            coin = json.loads(record.value or b"")
            if coin["n"] not in found[coin["who"]]:
                found[coin["who"]].append(coin["n"])
    return dict(found)
