"""Failing events: attempts are durable, nothing of a failed attempt leaves, a person comes last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import EventTooLargeError, Reject, UndecodableError
from streamagents.events.envelope import header
from streamagents.pipeline.mark import Status
from streamagents.pipeline.outcome import DeadLetter
from support.bench import Bench
from support.records import Order, Receipt, Scripted, record, turns

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),), key=b"ada")


def code(bench: Bench) -> bytes | None:
    return header(bench.letters[-1].headers, "streamagents-error-code")


async def emit_and_fail(order: Order, ctx: Context) -> None:
    ctx.emit(Receipt(text="of a failed attempt"))
    raise ValueError("no")


async def test_a_failed_attempt_leaves_nothing_but_the_memory_of_it() -> None:
    bench = Bench(Scripted(emit_and_fail, Receipt(text="of the second")))
    await bench.handle(SOURCE)
    waiting, done = bench.writer.committed

    assert (waiting.records, len(done.records)) == ((), 1)
    assert done.records[0].value is not None
    assert b"of the second" in done.records[0].value


async def test_a_letter_carries_nothing_that_the_attempts_emitted() -> None:
    bench = Bench(Scripted(emit_and_fail))
    await bench.handle(SOURCE)

    topics = [out.topic for group in bench.writer.committed for out in group.records]
    assert topics == ["order.dlq"]


async def test_a_failure_is_durable_before_the_next_attempt_begins() -> None:
    agent = Scripted(ValueError("no"), None)
    bench = Bench(agent)
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await turns()
    mark = bench.mark(SOURCE)

    assert len(agent.calls) == 1
    assert mark is not None
    assert (mark.status, mark.attempts, mark.history.error) == (
        Status.WAITING,
        1,
        "ValueError: no",
    )
    bench.writer.commit()
    await task
    assert [info.attempt for info in agent.calls] == [1, 2]


async def test_three_failures_then_a_person() -> None:
    agent = Scripted(ValueError("one"), ValueError("two"), ValueError("three"), None)
    bench = Bench(agent)
    await bench.handle(SOURCE)
    (letter,) = bench.letters

    assert len(agent.calls) == 3
    assert bench.reports.outcomes == [
        *(["started", "retried"] * 2),
        *("started", "dead_lettered"),
    ]
    assert header(letter.headers, "streamagents-attempts") == b"3"
    assert header(letter.headers, "__streams.errors.message") == (
        b"3 attempts failed, the last with ValueError: three"
    )
    assert (letter.key, letter.value) == (b"ada", SOURCE.value)


async def test_attempts_are_counted_across_processes() -> None:
    first = Bench(Scripted(ValueError("no")), backoff_s=30)
    task = first.start(SOURCE)
    await turns()
    first.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    agent = Scripted(ValueError("still"))
    second = Bench(agent, process="p2", store=first.store)
    await second.handle(SOURCE)

    assert [info.attempt for info in agent.calls] == [2, 3]
    assert len(second.letters) == 1


async def test_a_letter_tells_when_the_event_failed_first() -> None:
    bench = Bench(Scripted(ValueError("no")), backoff_s=30, attempts=2)
    task = bench.start(SOURCE)
    await turns()
    bench.clock.advance(30)
    await task
    bench.writer.commit()

    assert header(bench.letters[0].headers, "streamagents-first-failed-at") == (
        b"2026-01-01T00:00:00Z"
    )


async def test_the_wait_between_attempts_is_the_backoffs() -> None:
    agent = Scripted(ValueError("no"))
    bench = Bench(agent, backoff_s=30)
    task = bench.start(SOURCE)
    await turns()
    wait = bench.clock.next_wake_s
    assert wait is not None
    assert 0 <= wait <= 30
    bench.clock.advance(wait)
    await turns()

    assert len(agent.calls) == 2
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])


async def test_who_waits_for_its_next_attempt_takes_no_slot() -> None:
    bench = Bench(Scripted(ValueError("no"), None), backoff_s=30, in_flight=1)
    waiting = bench.start(SOURCE)
    await turns()
    await asyncio.wait_for(bench.start(record(b'{"customer":"bob"}', offset=8)), 5)

    assert bench.finished == [8]
    bench.handling.releasing = True
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_rejected_event_is_a_letter_at_once() -> None:
    agent = Scripted(Reject("no such customer"))
    bench = Bench(agent)
    await bench.handle(SOURCE)

    assert (len(agent.calls), code(bench)) == (1, b"rejected")
    assert header(bench.letters[0].headers, "__streams.errors.message") == b"no such customer"


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt(), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
async def test_what_looks_like_a_shutdown_is_a_failure_when_an_agent_raises_it(
    error: BaseException,
) -> None:
    agent = Scripted(error)
    bench = Bench(agent)
    await bench.handle(SOURCE)

    assert (len(agent.calls), code(bench), bench.finished) == (3, b"failed", [7])
    name = type(error).__name__.encode()
    assert name in (header(bench.letters[0].headers, "__streams.errors.exception") or b"")


async def test_a_timeout_is_a_failure() -> None:
    async def dawdle(order: Order, ctx: Context) -> None:
        await asyncio.Event().wait()

    bench = Bench(Scripted(dawdle), timeout_s=0.01, attempts=2)
    await bench.handle(SOURCE)

    assert b"timeout_s=0.01" in (
        header(bench.letters[0].headers, "__streams.errors.message") or b""
    )


@pytest.mark.parametrize(
    ("result", "expected"),
    [("text", b"failed"), (Receipt(text="x" * 7_000_000), EventTooLargeError.code.encode())],
    ids=["no event", "too large"],
)
async def test_a_result_that_cannot_be_emitted_is_a_failure(result: Any, expected: bytes) -> None:
    bench = Bench(Scripted(result), attempts=2)
    await bench.handle(SOURCE)

    assert code(bench) == expected


async def test_a_record_that_cannot_be_read_is_a_letter_with_its_place_as_identity() -> None:
    bench, why = Bench(), UndecodableError("no JSON")
    source = record(b"{", partition=2, key=b"k")
    decision = DeadLetter("undecodable", "no JSON", why)
    for _ in range(2):
        bench.settling.dead_letter_unread(source, bench.subscription, decision)
    await turns()
    (letter,) = bench.letters

    assert (letter.topic, letter.partition, letter.key) == ("order.dlq", 2, b"k")
    assert (letter.value, code(bench)) == (b"{", b"undecodable")
    assert header(letter.headers, "streamagents-attempts") == b"0"
    assert bench.finished == [7, 7]
