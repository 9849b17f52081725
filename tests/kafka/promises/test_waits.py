"""Waits: what is put off, delayed or held back costs no thread, no order, and comes once."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from streamagents.bus import KafkaAdmin
from support import wait_until, wait_until_async
from support.workers import Fleet, header, job

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

NOT_BEFORE = "streamagents-not-before"
LATE_S = 1.0


def calls(fleet: Fleet, n: int) -> list[float]:
    """When a call was made."""
    return [float(at) for number, _, _, at, _ in fleet.lines("call") if number == str(n)]


def made(fleet: Fleet) -> list[int]:
    """The calls in the order in which they were made."""
    return [int(number) for number, *_ in fleet.lines("call")]


def header_at(time_: datetime) -> list[tuple[str, bytes]]:
    return [(NOT_BEFORE, time_.isoformat().encode())]


async def due_of(fleet: Fleet, n: int) -> float:
    """When a delayed call is due, as its record says."""
    (record,) = [r for r in await fleet.read("call") if json.loads(r.value or b"")["n"] == n]
    return datetime.fromisoformat(header(record, NOT_BEFORE)).timestamp()


# -- one worker, that lives on -------------------------------------------------------------------


async def test_a_delayed_event_runs_once_and_on_time_and_does_not_hold_its_key(
    calm: Fleet,
) -> None:
    await calm.send("call", [job(1, "key", what="emit", seconds=6)])
    wait_until(lambda: calls(calm, 1))
    await calm.settled()  # the delayed one has been taken in: it waits in the state
    await calm.send("call", [job(2, "key"), job(3, "key")])
    wait_until(lambda: calls(calm, 3))
    assert not calls(calm, 1001)
    wait_until(lambda: calls(calm, 1001))
    due = await due_of(calm, 1001)
    assert 0 <= calls(calm, 1001)[0] - due <= LATE_S
    assert due - calls(calm, 1)[0] == pytest.approx(6, abs=0.5)
    time.sleep(1)  # noqa: ASYNC251 - nothing else runs here
    assert [made(calm).count(n) for n in (1, 2, 3, 1001)] == [1, 1, 1, 1]


async def test_a_foreign_not_before_is_kept_or_told_to_be_none(calm: Fleet) -> None:
    now = datetime.now(UTC)
    headers = {
        10: b"2020-01-01T00:00:00Z",
        11: (now - timedelta(seconds=1)).isoformat().encode(),
        12: b"",
        13: b"tomorrow",
        14: b"\xff\xfe",
        15: (now + timedelta(days=400)).isoformat().encode(),
        16: (now + timedelta(days=365)).isoformat().encode(),
        17: (now + timedelta(seconds=5)).astimezone().isoformat().encode(),
    }
    for n, raw in headers.items():
        await calm.send("call", [job(n, f"k{n}")], headers=[(NOT_BEFORE, raw)])
    await calm.send("call", [job(17, "k17")], headers=[(NOT_BEFORE, headers[17])])  # a duplicate
    await calm.send("call", [job(18, "k10")])
    through = {"type": "call", "data": {"n": 22, "who": "k22"}}
    soon = [(NOT_BEFORE, headers[17])]  # kept on the way from the inbox, and to another partition
    await calm.send("streamagents.inbox", [(None, json.dumps(through).encode())], headers=soon)
    for partition in (0, 1):  # one of them, at least, has to be forwarded
        record = (b"another key", job(23, "k23")[1])
        await calm.send("call", [record], headers=soon, partition=partition)
    sent = time.time()
    await calm.settled()
    assert all(len(calls(calm, n)) == 1 for n in (10, 11, 18))
    letters = {json.loads(r.value or b"")["n"]: r for r in await calm.letters("call")}
    assert sorted(letters) == [12, 13, 14, 15]
    assert {header(letter, "streamagents-error-code") for letter in letters.values()} == {"invalid"}
    assert "write it as RFC 3339" in header(letters[13], "__streams.errors.message")
    assert "at most 366 days" in header(letters[15], "__streams.errors.message")
    wait_until(lambda: all(calls(calm, n) for n in (17, 22, 23)))
    due = now.timestamp() + 5
    assert all(due <= calls(calm, n)[0] <= max(due, sent) + LATE_S for n in (17, 22, 23))
    await calm.send("call", [job(19, "k17")])
    wait_until(lambda: calls(calm, 19))
    assert [len(calls(calm, n)) for n in (17, 22, 23)] == [1, 1, 1]
    assert not any(calls(calm, n) for n in (12, 13, 14, 15, 16))


async def test_who_puts_an_event_off_for_too_long_gets_a_letter_and_no_attempt_was_counted(
    calm: Fleet,
) -> None:
    began = time.time()
    await calm.send("hurry", [job(1, "key"), job(2, "other")])
    await calm.settled()
    assert time.time() - began < 10  # max_wait_s is 2: a wait beyond it is cut short
    letters = await calm.letters("hurry")
    assert [header(letter, "streamagents-error-code") for letter in letters] == (
        ["waited_too_long"] * 2
    )
    assert "max_wait_s is 2" in header(letters[0], "__streams.errors.message")
    assert [line[:2] for line in calm.lines("hurry") if line[0] == "1"] == [["1", "1"]] * 2


async def test_a_paused_agent_is_held_back_and_let_go_and_the_others_go_on(calm: Fleet) -> None:
    await calm.send("call", [job(30, "boss", what="pause", seconds=600)])
    wait_until(lambda: calls(calm, 30))
    at = await committed(calm, "task")
    await calm.send("task", [job(n, f"k{n}") for n in range(500, 540)])
    await calm.send("call", [job(n, f"k{n}") for n in range(31, 36)])
    wait_until(lambda: set(range(31, 36)) <= set(made(calm)))
    time.sleep(1.5)  # noqa: ASYNC251 - longer than a commit takes
    assert not tasks(calm)
    assert await committed(calm, "task") == at
    await calm.send("call", [job(36, "boss", what="resume")])
    await calm.settled()
    assert sorted(tasks(calm)) == [*range(500, 540)]

    await calm.send("call", [job(37, "boss", what="pause", seconds=3)])
    wait_until(lambda: calls(calm, 37))
    await calm.send("task", [job(540, "late")])
    await calm.settled()
    assert time.time() - calls(calm, 37)[0] >= 3  # it ended by itself
    assert sorted(tasks(calm)) == [*range(500, 541)]


def tasks(fleet: Fleet) -> list[int]:
    return [int(n) for n, *_ in fleet.lines("task") if int(n) >= 500]


async def committed(fleet: Fleet, topic: str) -> int:
    async with KafkaAdmin(fleet.bootstrap) as admin:
        commits = await admin.committed(fleet.group)
    return sum(at for (name, _), at in commits.items() if name == fleet.topic(topic))


# -- workers that end in the middle --------------------------------------------------------------


async def test_what_waits_survives_a_kill_and_a_rebalance_and_comes_once_and_on_time(
    works: Fleet,
) -> None:
    worker = works.start()
    head = job(1, "slow", what="later", seconds=31, sent_at=time.time())
    await works.send("call", [head, *(job(n, "slow") for n in (2, 3))])
    await works.send("call", [job(n, f"k{n}") for n in range(10, 20)])
    await works.send("call", [job(20, "slow-too", what="emit", seconds=25)])
    await works.settled()  # nobody's commit waits for what waits
    await works.send("call", [job(4, "slow"), head, job(21, "slow-too")])
    await works.settled()
    assert Counter(made(works)) == Counter([1, *range(10, 20), 20, 21])
    (parked,) = calls(works, 1)

    works.kill(worker)
    works.start()
    await works.send("call", [job(5, "slow"), *(job(n, f"k{n}") for n in range(30, 40))])
    second = works.start()
    ready = time.time()
    await works.settled()
    so_far = Counter(n for n in made(works) if n > 5 and n != 1020)
    assert so_far == Counter([*range(10, 22), *range(30, 40)])

    wait_until(lambda: len(calls(works, 1)) == 2 and calls(works, 1020), 40)
    for at, due in (
        (calls(works, 1020)[0], await due_of(works, 1020)),
        (calls(works, 1)[1], parked + 31),
    ):
        assert due <= at <= max(due, ready) + LATE_S
    wait_until(lambda: calls(works, 5))
    assert [n for n in made(works) if n < 10] == [1, 1, 2, 3, 4, 5]
    assert {attempt for _, _, attempt, *_ in works.lines("call")} == {"1"}
    await works.send("call", [job(6, "slow")])  # the key is free again
    await works.settled()
    assert works.stop(second) == 0  # and nothing comes back at one more rebalance
    await works.send("call", [job(7, "slow")])
    wait_until(lambda: calls(works, 7), 20)
    assert [n for n, times in Counter(made(works)).items() if times != 1] == [1]
    assert calls(works, 1)[2:] == []
    waiting = {k: v for k, v in (await works.state()).items() if k.startswith((b"p\0", b"d\0"))}
    assert len(waiting) == 7  # six of the slow key, a duplicate among them, and the delayed one
    assert set(waiting.values()) == {None}
    assert not await works.letters("call")


MANY, A_SECOND = 20_000, 500


@pytest.mark.long
async def test_twenty_thousand_delayed_events_take_little_memory_and_come_on_time(
    works: Fleet,
) -> None:
    worker = works.start()
    await works.send("call", [job(n, f"k{n}") for n in range(MANY, MANY + 2000)])  # warm
    await works.settled()
    process = psutil.Process(worker.pid)
    sizes = [process.memory_info().rss >> 20]
    begin = datetime.now(UTC) + timedelta(seconds=60)
    pad = "x" * 2000
    for second in range(MANY // A_SECOND):
        numbers = range(second * A_SECOND, (second + 1) * A_SECOND)
        records = [job(n, f"k{n}", pad=pad) for n in numbers]
        await works.send("call", records, headers=header_at(begin + timedelta(seconds=second)))
        if second % 10 == 9:
            await works.settled()
            sizes.append(process.memory_info().rss >> 20)
    assert datetime.now(UTC) < begin, "this machine is too slow for this test"
    assert len(made(works)) == 2000
    await wait_until_async(lambda: len(made(works)) >= MANY + 2000, 150)
    sizes.append(process.memory_info().rss >> 20)
    late = sorted(
        float(at) - begin.timestamp() - int(n) // A_SECOND
        for n, _, _, at, _ in works.lines("call")
        if int(n) < MANY
    )
    sys.stderr.write(
        f"\nRSS in MiB, at 0, 5,000 ... 20,000 delayed and after them: {sizes}\n"
        f"late by {late[0]:.2f} s, median {late[MANY // 2]:.2f} s, at most {late[-1]:.2f} s\n"
    )
    assert Counter(made(works)) == Counter(range(MANY + 2000))
    assert late[0] >= 0
    assert late[MANY // 2] <= LATE_S
    assert sizes[4] - sizes[0] < 100  # 40 MB lie in RocksDB: what it buffers is bounded ...
    assert sizes[4] - sizes[2] < 40  # ... and the second half of them needs hardly more
