"""`RetryLater`: no failure is counted; short waits are held, long ones parked, none is endless."""

from __future__ import annotations

import asyncio

import pytest

from streamagents.errors import RetryLater
from streamagents.events.envelope import header
from streamagents.pipeline.mark import Status
from support.bench import Bench
from support.desks import OwnedBench
from support.records import Clerk, Scripted, ada, record, registration, turns
from support.stores import FakeStore

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),), key=b"ada")
LATER = RetryLater(10, "the peer is busy")


async def test_it_is_tried_again_after_its_time_as_the_same_attempt() -> None:
    agent = Scripted(LATER, LATER, None)
    bench = Bench(agent, attempts=1)
    task = bench.start(SOURCE)
    for _ in range(2):
        await turns()
        assert bench.clock.next_wake_s == pytest.approx(10)
        bench.clock.advance(10)
    await task
    bench.writer.commit()

    assert [info.attempt for info in agent.calls] == [1, 1, 1]
    assert (bench.finished, bench.letters) == ([7], [])
    assert bench.reports.outcomes == [*["started", "retried"] * 2, "started", "ok"]


async def test_its_reason_is_told() -> None:
    bench = Bench(Scripted(LATER, None))
    task = bench.start(SOURCE)
    await turns()
    told = bench.reports.all[-1]
    bench.clock.advance(10)
    await task

    assert (told.outcome, told.code) == ("retried", "RetryLater")
    assert "the peer is busy" in told.detail


async def test_failures_before_and_after_it_are_counted_and_it_is_not() -> None:
    agent = Scripted(
        ValueError("1"), RetryLater(0), ValueError("2"), RetryLater(0), ValueError("3")
    )
    bench = Bench(agent, attempts=3)
    await bench.handle(SOURCE)
    (letter,) = bench.letters

    assert [info.attempt for info in agent.calls] == [1, 2, 2, 3, 3]
    assert header(letter.headers, "streamagents-attempts") == b"3"


async def test_who_waits_takes_no_slot() -> None:
    bench = Bench(Scripted(RetryLater(30), None), in_flight=1)
    waiting = bench.start(SOURCE)
    await turns()
    await asyncio.wait_for(bench.start(record(b'{"customer":"bob"}', offset=8)), 5)
    bench.clock.advance(30)
    await waiting

    assert bench.gate.running == 0


@pytest.mark.parametrize(("after_s", "parks"), [(29, False), (30, False), (30.5, True), (90, True)])
async def test_waits_over_thirty_seconds_are_parked(
    after_s: float,
    parks: bool,  # noqa: FBT001 - a case
) -> None:
    bench = Bench(Scripted(RetryLater(after_s), None))
    task = bench.start(SOURCE)
    await turns()
    assert bench.parked == ([after_s] if parks else [])
    bench.clock.advance(after_s)

    assert await task is not parks
    assert bench.reports.outcomes[1] == ("parked" if parks else "retried")


async def test_a_parked_event_has_not_ended_and_its_mark_says_so() -> None:
    bench = Bench(Scripted(RetryLater(90)))
    assert not await bench.handle(SOURCE)
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.attempts, mark.history.parked) == (Status.WAITING, 0, True)
    assert (bench.finished, bench.letters) == ([7], [])


async def test_an_event_put_off_for_too_long_is_a_letter_that_says_so() -> None:
    agent = Scripted(RetryLater(20))
    bench = Bench(agent, max_wait_s=50)
    task = bench.start(SOURCE)
    for wait_s in (20, 20, 10):
        await turns()
        assert bench.clock.next_wake_s == pytest.approx(wait_s)
        bench.clock.advance(wait_s)
    await task
    bench.writer.commit()
    (letter,) = bench.letters

    assert header(letter.headers, "streamagents-error-code") == b"waited_too_long"
    assert header(letter.headers, "streamagents-attempts") == b"0"
    assert len(agent.calls) == 4


async def test_waiting_is_counted_from_the_first_start_and_across_owners() -> None:
    clerk = Clerk({1: [60] * 100})
    bench = OwnedBench(registration(clerk, max_wait_s=200)).begin()
    await bench.deliver(*ada(1, 2))
    await bench.after(60)
    await bench.after(60)
    await bench.release()
    store = FakeStore(bench.durable)
    again = OwnedBench(registration(clerk, max_wait_s=200), process="p2", store=store)
    again.begin(after=bench)
    for _ in range(3):
        await again.after(60)
    (letter,) = again.records

    assert header(letter.headers, "streamagents-error-code") == b"waited_too_long"
    assert (clerk.handled, len(clerk.calls)) == ([2], 6)


async def test_the_time_between_delivery_and_first_start_does_not_count() -> None:
    """An event may lie in its topic for days: that is no wait of its own."""
    agent = Scripted(RetryLater(90), None)
    bench = Bench(agent, max_wait_s=100)
    bench.clock.advance(10**7)
    await bench.handle(SOURCE)

    assert (bench.parked, bench.letters) == ([90], [])


async def test_the_time_that_the_first_run_took_counts() -> None:
    agent = Scripted(RetryLater(90))
    bench = Bench(agent, max_wait_s=100)

    async def think(*_: object) -> None:
        await bench.clock.sleep(30)
        raise RetryLater(90)

    agent.steps = [think]
    task = bench.start(SOURCE)
    await turns()
    bench.clock.advance(30)
    await task

    assert bench.parked == [pytest.approx(70)]


async def test_a_release_during_a_short_wait_forgets_neither_failures_nor_the_first_start() -> None:
    bench = Bench(Scripted(ValueError("no"), RetryLater(30)), attempts=5)
    task = bench.start(SOURCE)
    await turns()
    bench.clock.advance(5)
    bench.handling.releasing = True
    task.cancel()
    await asyncio.wait([task])
    await turns()
    mark = bench.mark(SOURCE)

    assert mark is not None
    assert (mark.status, mark.attempts) == (Status.WAITING, 1)
    assert mark.history.first_started_at == pytest.approx(1_767_225_600)


async def test_a_short_wait_is_durable_before_it_begins() -> None:
    bench = Bench(Scripted(RetryLater(10), None))
    bench.writer.holds = True
    task = bench.start(SOURCE)
    await turns()
    assert bench.clock.next_wake_s is None
    bench.writer.commit()
    await turns()
    assert bench.clock.next_wake_s == pytest.approx(10)
    bench.clock.advance(10)
    await task
