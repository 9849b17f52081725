"""Promise 3 and the wire: one key at a time, all keys at once; duplicates meet on one partition."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from support.workers import header, job

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def test_events_of_a_key_run_in_order_and_keys_run_at_once(fleet: Fleet) -> None:
    fleet.start()
    await fleet.jobs(range(600), keys=60, seconds=0.2)
    await fleet.settled()
    running: defaultdict[str, int] = defaultdict(int)
    order: defaultdict[str, list[int]] = defaultdict(list)
    most = 0
    for line in fleet.journal.read_text().splitlines():
        word, n, who, *_ = line.split()
        running[who] += 1 if word == "start" else -1
        assert running[who] <= 1
        most = max(most, sum(running.values()))
        if word == "start":
            order[who].append(int(n))
    assert all(numbers == sorted(numbers) for numbers in order.values())
    assert most > 30


async def test_in_flight_is_bounded_by_the_setting(fleet: Fleet) -> None:
    fleet.start(STREAMAGENTS_IN_FLIGHT="7")
    await fleet.jobs(range(100), keys=100, seconds=0.1)
    await fleet.settled()
    running = most = 0
    for line in fleet.journal.read_text().splitlines():
        running += 1 if line.startswith("start") else -1
        most = max(most, running)
    assert most == 7


async def test_the_same_event_without_a_key_and_on_wrong_partitions_runs_once(
    fleet: Fleet,
) -> None:
    fleet.start()
    _, value = job(1, "ann")
    await fleet.send("job", [(None, value)] * 5)
    for partition in range(4):
        await fleet.send("job", [(b"ann", value), (b"else", value)], partition=partition)
    await fleet.settled()
    assert await fleet.done() == {1: 1}
    forwarded = [r for r in await fleet.read("job") if "streamagents-origin" in dict(r.headers)]
    assert forwarded
    assert len({r.partition for r in forwarded}) == 1
    assert all(r.key == b"ann" and r.value == value for r in forwarded)


async def test_a_letter_of_a_forwarded_record_tells_where_it_was_first(fleet: Fleet) -> None:
    fleet.start()
    _, value = job(1, "ann", what="reject")
    for partition in range(4):
        await fleet.send("job", [(None, value)], partition=partition, headers=[("own", b"1")])
    await fleet.settled()
    (letter,) = await fleet.letters()  # the other three are its duplicates
    assert letter.key is None
    assert header(letter, "__streams.errors.topic") == fleet.topic("job")
    assert not any(name.startswith("streamagents-origin") for name, _ in letter.headers)
    assert letter.headers[0] == ("own", b"1")


async def test_the_inbox_sends_each_event_where_it_belongs(fleet: Fleet) -> None:
    fleet.start()
    inbox = [
        {"type": "job", "data": {"n": 1, "who": "a"}, "id": "one"},
        {"type": "job", "data": {"n": 1, "who": "a"}, "id": "one"},
        {"type": "job", "n": 2, "who": "b"},
        {"type": "unheard.of", "data": {"x": 1}},
        {"type": "job", "data": {"n": "no number"}},
        {"no": "type"},
    ]
    await fleet.send("streamagents.inbox", [(None, json.dumps(e).encode()) for e in inbox])
    await fleet.settled()
    assert await fleet.done() == {1: 1, 2: 1}
    assert [line[:2] for line in fleet.lines("fallback")] == [["unheard.of", "x"]]
    assert [header(r, "streamagents-error-code") for r in await fleet.letters()] == ["invalid"]
    (letter,) = await fleet.letters("streamagents.inbox")
    assert header(letter, "streamagents-error-code") == "no_type"


async def test_an_event_without_an_id_is_known_by_its_position(fleet: Fleet) -> None:
    fleet.start()
    await fleet.send("order", [(None, b'{"what": "tea"}')] * 3)
    await fleet.settled()
    assert len(fleet.lines("order")) == 3


async def test_what_is_emitted_is_a_binary_cloudevent_in_the_trace_of_its_cause(
    fleet: Fleet,
) -> None:
    fleet.start()
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await fleet.send("job", [job(7, "ann")], headers=[("traceparent", trace)])
    await fleet.settled()
    (record,) = await fleet.read("job_done")
    headers = dict(record.headers)
    assert record.key == b"ann"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == b"7/emit-1"
    assert headers["ce_type"] == b"job_done"
    assert headers["ce_source"] == f"streamagents/{fleet.group}/{fleet.topic('job')}".encode()
    assert headers["content-type"] == b"application/json"
    assert headers["traceparent"][:35] == trace[:35]
    assert headers["traceparent"] != trace


async def test_events_are_read_however_their_client_compresses(fleet: Fleet) -> None:
    fleet.start()
    for first, codec in enumerate(["gzip", "lz4", "snappy", "zstd"]):
        records = [job(first * 100 + n, f"k{n % 9}") for n in range(100)]
        await fleet.send("job", records, compression_type=codec)
    await fleet.settled()
    assert len(await fleet.done()) == 400
