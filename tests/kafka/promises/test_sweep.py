"""The sweep: what nobody can send again is forgotten, and nothing else is."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from streamagents.bus import KafkaAdmin
from streamagents.pipeline.identity import read_seen_key
from support import wait_until, wait_until_async
from support.workers import WORKS, Fleet, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

TTL_S = 5
"""Marks are counted in whole seconds, a pass begins a second after the last."""


@pytest.fixture
async def brief(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The works application on topics that keep their records for a second only, most of them."""
    topics = ("call", "visit", "hurry", "fussy", "fussy.dlq")
    async with Fleet(
        broker.address,
        tmp_path,
        module=WORKS,
        retention_ms=dict.fromkeys(topics, 1000),
        STREAMAGENTS_DEDUPE_TTL_S=str(TTL_S),
    ) as fleet:
        yield fleet


async def marks(fleet: Fleet, topic: str) -> dict[str, bytes | None]:
    """The marks of a topic by event id, as the changelog tells them; None is what was forgotten."""
    found = {}
    for key, raw in (await fleet.state()).items():
        seen = read_seen_key(key)
        if seen is not None and seen.topic == fleet.topic(topic):
            found[seen.id] = raw
    return found


def kept(known: dict[str, bytes | None]) -> list[str]:
    return sorted(id_ for id_, raw in known.items() if raw is not None)


def runs(fleet: Fleet) -> dict[int, list[float]]:
    """By call, when it was made."""
    found = defaultdict(list)
    for n, _, _, at, _ in fleet.lines("call"):
        found[int(n)].append(float(at))
    return found


async def test_an_id_is_remembered_for_its_time_and_what_is_not_over_for_longer(
    brief: Fleet,
) -> None:
    brief.start()
    calls = [job(n, f"k{n}") for n in range(200)]
    parked = job(500, "parked", what="later", seconds=3600, sent_at=time.time())
    await brief.send("call", [*calls, parked, job(501, "parked")])
    await brief.send("task", [job(1, "k1")])
    await brief.send("hurry", [job(1, "k1")])
    await brief.send("fussy", [job(1, "k1", what="fail")])
    await brief.send("visit", [job(1, "ann")])
    wait_until(lambda: len(runs(brief)) == 201)
    await brief.send("call", calls)  # duplicates
    await brief.settled()
    assert "dedupe_ttl_raised" in brief.log.read_text()  # most topics keep records for a week

    async def forgotten() -> bool:
        known = await marks(brief, "call")
        return kept(known) == ["500"] and not kept(await marks(brief, "fussy"))

    await wait_until_async(forgotten, TTL_S + 15)
    assert len(await marks(brief, "call")) == 201  # as tombstones: the changelog will shrink
    await brief.send("call", calls)
    await brief.send("task", [job(1, "k1")])
    await brief.settled()
    made = runs(brief)
    assert min(len(made[n]) for n in range(200)) == 2
    apart = [later - at for times in made.values() for at, later in pairwise(times)]
    assert min(apart) > TTL_S - 1
    assert len(brief.lines("task")) == 3 + 1  # three attempts of the fussy one, and one task
    state = await brief.state()
    assert not [key for key, raw in state.items() if key.startswith(b"s\0") and raw is not None]
    assert [key for key, raw in state.items() if key.startswith(b"v\0") and raw is not None]
    assert len([key for key, raw in state.items() if key.startswith(b"p\0") and raw]) == 2
    assert kept(await marks(brief, "hurry")) == ["1"]  # its letter is there for a month
    assert kept(await marks(brief, "task")) == ["1"]
    assert len(made[500]) == 1


@pytest.mark.long
async def test_what_was_done_before_a_long_outage_does_not_run_again_after_it(
    brief: Fleet,
) -> None:
    worker = brief.start()
    heads = [job(n, f"k{n}", what="hang") for n in range(20)]  # hold all commit positions
    await brief.send("call", [*heads, *(job(n, f"k{n}") for n in range(100, 400))])
    wait_until(lambda: len(runs(brief)) == 320)
    await asyncio.sleep(1)
    assert len(kept(await marks(brief, "call"))) == 300
    brief.kill(worker)
    await asyncio.sleep(TTL_S + 1)
    brief.open("call")
    brief.start()
    await brief.settled()
    assert {len(runs(brief)[n]) for n in range(100, 400)} == {1}
    assert {len(runs(brief)[n]) for n in range(20)} == {2}


MANY, KEYS = 8000, 20


@pytest.mark.long
async def test_a_kill_and_a_rebalance_in_the_middle_of_a_sweep_lose_nothing(brief: Fleet) -> None:
    worker = brief.start(STREAMAGENTS_DEDUPE_TTL_S="3600")
    waiting = [
        job(9000, "parked", what="later", seconds=3600, sent_at=time.time()),
        job(9001, "parked"),
        job(9002, "late", what="emit", seconds=40),
    ]
    await brief.send("call", [*waiting, *(job(n, f"k{n % 500}") for n in range(MANY))])
    await brief.settled()
    assert brief.stop(worker) == 0
    assert len(kept(await marks(brief, "call"))) == MANY + 2
    end = await changelog_end(brief)

    worker = brief.start(ready=False)  # all of that has expired by now
    await wait_until_async(lambda: grown(brief, end + 500), 40)
    brief.kill(worker)
    assert 2 < len(kept(await marks(brief, "call"))) < MANY

    brief.start()
    stop = asyncio.Event()
    feeding = asyncio.create_task(feed(brief, stop))
    await asyncio.sleep(TTL_S)
    second = await asyncio.to_thread(brief.start)  # joins while the marks of what is fed expire
    await wait_until_async(
        lambda: str(second.pid) in {worker for *_, worker in brief.lines("count")}, 30
    )
    stop.set()
    rounds = await feeding
    await brief.settled()
    wait_until(lambda: runs(brief)[10_002], 60)

    counted = defaultdict(list)
    for record in await brief.read("counted"):
        told = json.loads(record.value or b"")
        counted[told["who"]].append(told["count"])
    assert counted == {f"k{key}": list(range(1, rounds + 1)) for key in range(KEYS)}
    assert set(map(len, runs(brief).values())) == {1}
    assert len(runs(brief)) == MANY + 3  # 9001 waits behind 9000

    async def forgotten() -> bool:
        return kept(await marks(brief, "call")) == ["9000"] and not kept(
            await marks(brief, "visit")
        )

    await wait_until_async(forgotten, TTL_S + 20)
    await brief.send("call", [job(n, f"k{n % 500}") for n in range(100)])
    await brief.settled()
    assert {len(runs(brief)[n]) for n in range(100)} == {2}
    parked = [key for key, raw in (await brief.state()).items() if raw and key[:2] == b"p\0"]
    assert len(parked) == 2


async def feed(fleet: Fleet, stop: asyncio.Event) -> int:
    """Produce an event of each key ten times a second; how many of each."""
    rounds = 0
    while not stop.is_set():
        await fleet.send("visit", [job(rounds, f"k{key}") for key in range(KEYS)])
        rounds += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.1)
    return rounds


async def changelog_end(fleet: Fleet) -> int:
    async with KafkaAdmin(fleet.bootstrap) as admin:
        ends = await admin.end_offsets([fleet.topic("works-state-p4-changelog")])
    return sum(ends.values())


async def grown(fleet: Fleet, end: int) -> bool:
    return await changelog_end(fleet) > end
