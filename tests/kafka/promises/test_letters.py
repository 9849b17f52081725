"""Promises 4 and 6: three failures, then a person; and a dead letter is the original."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.workers import header, job

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

UNREADABLE = {
    b"{ broken": "undecodable",
    b"": "undecodable",
    b"\xff\xfe\x00": "undecodable",
    b"[" * 50_000: "undecodable",
    b"[1, 2]": "invalid",
    b'{"n": "x"}': "invalid",
    b'{"n": 1, "who": null}': "invalid",
    b"\xff" * 5_000_000: "undecodable",
    None: "tombstone",
}


async def test_three_failures_end_in_a_letter_and_hold_only_their_own_key(fleet: Fleet) -> None:
    fleet.start()
    failing = job(1, "slow", what="fail", note="kept")
    await fleet.send("job", [failing, job(2, "slow"), *(job(n, f"k{n}") for n in range(3, 103))])
    await fleet.settled()
    (letter,) = await fleet.letters()
    assert (letter.key, letter.value) == failing
    assert {
        name: header(letter, name)
        for name in (
            "__streams.errors.exception",
            "__streams.errors.topic",
            "kafka_dlt-original-topic",
            "kafka_dlt-exception-cause-fqcn",
            "streamagents-attempts",
            "streamagents-agent",
            "streamagents-agent-version",
            "streamagents-consumer-group",
            "streamagents-error-code",
            "streamagents-replay-count",
        )
    } == {
        "__streams.errors.exception": "ValueError",
        "__streams.errors.topic": fleet.topic("job"),
        "kafka_dlt-original-topic": fleet.topic("job"),
        "kafka_dlt-exception-cause-fqcn": "ValueError",
        "streamagents-attempts": "3",
        "streamagents-agent": "JobAgent",
        "streamagents-agent-version": "1",
        "streamagents-consumer-group": fleet.group,
        "streamagents-error-code": "failed",
        "streamagents-replay-count": "0",
    }
    assert "job 1 cannot be done" in header(letter, "__streams.errors.message")
    assert "Traceback" in header(letter, "__streams.errors.stacktrace")


async def test_the_key_waits_for_its_failing_head_and_the_others_do_not(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("job", [job(1, "slow", what="fail"), job(2, "slow"), job(3, "quick")])
    await fleet.settled()
    starts = [int(n) for n, *_ in fleet.lines("start")]
    assert [n for n in starts if n != 3] == [1, 1, 1, 2]
    assert starts.index(3) < starts.index(2)


async def test_a_failed_attempt_leaves_nothing_of_what_it_emitted(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("job", [job(1, what="fail"), job(2, what="fail once")])
    await fleet.settled()
    emitted = [json.loads(r.value or b"") for r in await fleet.read("job_done")]
    assert emitted == [{"n": 2, "who": "k", "attempt": 2}]


@pytest.mark.parametrize("what", ["cancel", "exit"])
async def test_an_agent_that_cancels_or_exits_has_failed(fleet: Fleet, what: str) -> None:
    worker = fleet.start()
    await fleet.send("job", [job(1, what=what), job(2)])
    await fleet.settled()
    (letter,) = await fleet.letters()
    assert header(letter, "streamagents-attempts") == "3"
    assert await fleet.done() == {2: 1}
    assert worker.poll() is None


async def test_a_rejected_event_is_a_letter_at_once(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("job", [job(1, what="reject")])
    await fleet.settled()
    (letter,) = await fleet.letters()
    assert header(letter, "streamagents-error-code") == "rejected"
    assert header(letter, "streamagents-attempts") == "1"
    assert header(letter, "__streams.errors.message") == "not wanted"


async def test_what_cannot_be_read_becomes_a_letter_with_its_bytes(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("job", [(b"key", value) for value in UNREADABLE], headers=[("own", b"\xff")])
    await fleet.jobs(range(100, 150))
    await fleet.settled()
    letters = await fleet.letters()
    assert {letter.value: header(letter, "streamagents-error-code") for letter in letters} == (
        UNREADABLE
    )
    assert len(letters) == len(UNREADABLE)
    assert all(letter.key == b"key" for letter in letters)
    assert all(letter.headers[0] == ("own", b"\xff") for letter in letters)
    assert len(await fleet.done()) == 50


async def test_odd_headers_are_kept_and_repeated_ones_too(fleet: Fleet) -> None:
    fleet.start()
    odd = [("x", b"\xff\xfe"), ("x", b"2"), ("empty", b""), ("ünï", b"3")]
    await fleet.send("job", [job(1, what="reject")], headers=odd)
    await fleet.settled()
    (letter,) = await fleet.letters()
    assert list(letter.headers[:4]) == odd


async def test_a_five_megabyte_event_is_handled_and_a_ten_kilobyte_id_is_an_id(
    fleet: Fleet,
) -> None:
    fleet.start()
    await fleet.send("job", [job(1, pad="x" * 5_000_000)])
    long_id = [("ce_id", b"i" * 10_240), ("ce_source", b"s")]
    await fleet.send("job", [job(2), job(2)], headers=long_id)
    await fleet.settled()
    assert await fleet.done() == {1: 1, 2: 1}


async def test_a_crash_between_attempts_forgets_no_failure(fleet: Fleet) -> None:
    worker = fleet.start()
    await fleet.send("job", [job(1, what="fail"), job(2, "other", seconds=60)])
    wait_until(lambda: len(fleet.lines("start")) >= 3)  # two attempts of 1, and 2 runs
    fleet.kill(worker)
    fleet.start()
    wait_until(lambda: len([n for n, *_ in fleet.lines("start") if n == "2"]) == 2, 30)
    attempts = [attempt for n, _, attempt, _ in fleet.lines("start") if n == "1"]
    assert attempts[:2] == ["1", "2"]
    assert attempts.count("1") == 1
