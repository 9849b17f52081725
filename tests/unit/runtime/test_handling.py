"""Handling: an event from the head of its lane to a durable outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.events.envelope import header
from streamagents.pipeline.mark import Status
from support.bench import Bench
from support.records import Order, Receipt, Scripted, record, turns

if TYPE_CHECKING:
    from streamagents.agents import Context

DATA = b'{"customer":"ada"}'
FIRST = record(DATA, headers=(("ce_id", b"c-1"),), offset=7)
AGAIN = record(DATA, headers=(("ce_id", b"c-1"),), offset=8)
OTHER = record(b'{"customer":"ada","amount":2}', headers=(("ce_id", b"c-1"),), offset=9)


async def test_mark_and_emitted_records_leave_in_one_group() -> None:
    bench = Bench(Scripted([Receipt(), Receipt()]))
    await bench.handle(FIRST)
    (group,) = bench.writer.committed

    assert [out.topic for out in group.records] == ["receipt", "receipt"]
    assert list(group.writes) == [bench.incoming(FIRST).seen_key]
    mark = bench.mark(FIRST)
    assert mark is not None
    assert (mark.status, mark.attempts, mark.key) == (Status.DONE, 0, b"ada")


async def test_an_event_is_finished_only_when_its_group_is_durable() -> None:
    bench = Bench(Scripted(Receipt()))
    bench.writer.holds = True
    await bench.start(FIRST)
    assert (bench.finished, bench.reports.outcomes) == ([], ["started"])
    bench.writer.commit()

    assert (bench.finished, bench.reports.outcomes) == ([7], ["started", "ok"])


async def test_an_unremarkable_event_costs_one_write() -> None:
    bench = Bench()
    await bench.handle(FIRST)

    assert len(bench.writer.committed) == 1


async def test_a_duplicate_does_not_run_and_is_finished_behind_the_first() -> None:
    agent = Scripted(Receipt())
    bench = Bench(agent)
    bench.writer.holds = True
    await bench.start(FIRST)
    await bench.start(AGAIN)
    assert bench.finished == []
    bench.writer.commit()

    assert (len(agent.calls), bench.finished) == (1, [7, 8])
    assert bench.reports.outcomes == ["started", "ok", "duplicate"]
    assert [len(group.records) for group in bench.writer.committed] == [1, 0]


@pytest.mark.parametrize(("source", "code"), [(AGAIN, ""), (OTHER, "conflict")])
async def test_a_duplicate_with_other_bytes_is_one_and_is_told(source: object, code: str) -> None:
    bench = Bench()
    await bench.handle(FIRST)
    await bench.handle(AGAIN if source is AGAIN else OTHER)

    assert (bench.reports.all[-1].outcome, bench.reports.all[-1].code) == ("duplicate", code)


async def test_what_finished_in_an_earlier_process_does_not_run_again() -> None:
    first = Bench()
    await first.handle(FIRST)
    agent = Scripted()
    second = Bench(agent, process="p2", store=first.store)
    await second.handle(AGAIN)

    assert (agent.calls, second.finished) == ([], [8])


async def test_the_same_id_under_two_keys_runs_twice() -> None:
    agent = Scripted()
    bench = Bench(agent)
    for customer in (b"ada", b"bob"):
        await bench.handle(record(b'{"customer":"%b","id":"i"}' % customer))

    assert len(agent.calls) == 2


async def test_a_letter_and_its_mark_leave_in_one_group() -> None:
    bench = Bench(Scripted(ValueError("no")), attempts=1)
    await bench.handle(FIRST)
    (group,) = bench.writer.committed
    mark = bench.mark(FIRST)

    assert mark is not None
    assert (mark.status, mark.attempts) == (Status.DEAD_LETTERED, 1)
    assert [out.topic for out in group.records] == ["order.dlq"]
    assert (group.records[0].value, bench.finished) == (DATA, [7])
    assert bench.reports.outcomes == ["started", "dead_lettered"]


async def test_a_dead_lettered_event_counts_as_seen() -> None:
    agent = Scripted(ValueError("no"))
    bench = Bench(agent, attempts=1)
    await bench.handle(FIRST)
    await bench.handle(AGAIN)

    assert (len(agent.calls), len(bench.letters)) == (1, 1)
    assert bench.reports.outcomes[-1] == "duplicate"


async def test_a_replayed_letter_runs_once() -> None:
    agent = Scripted(ValueError("no"), None)
    bench = Bench(agent, attempts=1)
    await bench.handle(FIRST)
    replayed = record(
        DATA, offset=20, headers=(("ce_id", b"c-1"), ("streamagents-replay-count", b"1"))
    )
    await bench.handle(replayed)
    await bench.handle(replayed)
    mark = bench.mark(FIRST)

    assert mark is not None
    assert (mark.status, mark.replay, len(agent.calls)) == (Status.DONE, 1, 2)
    assert [info.attempt for info in agent.calls] == [1, 1]
    assert bench.reports.outcomes[-2:] == ["ok", "duplicate"]


async def test_what_cannot_be_written_makes_a_letter() -> None:
    bench = Bench(Scripted(Receipt()))
    bench.writer.unwritable = MessageSizeTooLargeError("too much")
    bench.writer.holds = True
    await bench.start(FIRST)
    bench.writer.commit()
    (group,) = bench.writer.committed
    mark = bench.mark(FIRST)

    assert [out.topic for out in group.records] == ["order.dlq"]
    assert header(group.records[0].headers, "streamagents-error-code") == b"unwritable"
    assert mark is not None
    assert mark.status is Status.DEAD_LETTERED
    assert (bench.finished, bench.reports.outcomes) == ([7], ["started", "dead_lettered"])


async def test_a_refused_group_leaves_nothing_of_the_attempt() -> None:
    bench = Bench(Scripted(Receipt()))
    bench.writer.unwritable = MessageSizeTooLargeError("too much")
    await bench.handle(FIRST)

    topics = [out.topic for group in bench.writer.committed for out in group.records]
    assert topics == ["order.dlq"]


async def test_a_frozen_worker_begins_nothing() -> None:
    agent = Scripted()
    bench = Bench(agent)
    bench.alive = False
    task = bench.start(FIRST)
    await turns()
    assert (agent.calls, bench.writer.committed) == ([], [])
    bench.alive = True
    bench.clock.advance(1)
    await task

    assert len(agent.calls) == 1


async def test_reports_name_the_event_its_place_and_its_agent() -> None:
    bench = Bench()
    await bench.handle(FIRST)
    report = bench.reports.all[-1]

    assert (report.topic, report.partition, report.offset) == ("order", 0, 7)
    assert (report.event_id, report.agent, report.attempt) == ("c-1", "Scripted", 1)


async def test_the_time_an_agent_took_is_told() -> None:
    bench = Bench()

    async def think(order: Order, ctx: Context) -> None:
        await bench.clock.sleep(42)

    bench.subscription = Bench(Scripted(think)).subscription
    task = bench.start(FIRST)
    await turns()
    bench.clock.advance(42)
    await task
    bench.writer.commit()

    assert bench.reports.all[-1].seconds == pytest.approx(42)


async def test_a_slot_is_free_again_whatever_the_outcome() -> None:
    bench = Bench(Scripted(ValueError("no"), SystemExit(1), None), attempts=1, in_flight=1)
    for number in range(5):
        source = record(b'{"customer":"c%d"}' % number, offset=number)
        await asyncio.wait_for(bench.handle(source), 5)

    assert bench.gate.running == 0
    assert bench.finished == [0, 1, 2, 3, 4]
