"""Waiting, where something goes wrong: nothing is lost, stuck, or run out of turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.events.envelope import header
from streamagents.pipeline.mark import Mark
from streamagents.pipeline.outcome import DeadLetter, Forward, Skip
from streamagents.pipeline.places import DELAYED, MARKS, PARKED
from support.desks import OwnedBench
from support.records import Clerk, ada, bob, registration, turns

if TYPE_CHECKING:
    from streamagents.ports import Record

LATER = (("streamagents-not-before", b"2026-01-01T00:10:00Z"),)
TOO_LARGE = MessageSizeTooLargeError("too much")


def left(bench: OwnedBench) -> int:
    """How much waits in the state."""
    return len(dict(bench.store.scan(PARKED))) + len(dict(bench.store.scan(DELAYED)))


def codes(bench: OwnedBench) -> list[bytes | None]:
    return [header(out.headers, "streamagents-error-code") for out in bench.records]


def only(decision: Any, offset: int, bench: OwnedBench) -> None:
    """From now on one record is judged otherwise."""
    reception = bench.partition._receptions["order"]
    judged = reception._decide

    def decide(source: Record) -> Any:
        return decision if source.offset == offset else judged(source)

    reception._decide = decide


# -- what could not be kept -------------------------------------------------------------------


async def test_an_event_that_cannot_be_parked_is_a_letter_and_its_key_goes_on() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*bob(9))
    bench.writer.unwritable = TOO_LARGE
    await bench.deliver(*ada(1))
    await bench.deliver(*ada(2))

    assert (codes(bench), clerk.handled, left(bench)) == ([b"unwritable"], [9, 2], 0)
    assert bench.partition.positions() == {"order": 3}
    assert bench.records[0].value == ada(1)[0]


async def test_an_event_that_cannot_be_kept_behind_another_is_a_letter_and_the_others_run() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2))
    bench.writer.unwritable = TOO_LARGE
    await bench.deliver(*ada(3))
    await bench.deliver(*ada(4))
    await bench.after(60)

    assert (codes(bench), clerk.handled, left(bench)) == ([b"unwritable"], [1, 2, 4], 0)


async def test_a_head_that_cannot_be_put_off_again_is_a_letter_and_those_behind_it_run() -> None:
    clerk = Clerk({1: [60, 60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2))
    bench.clock.advance(60)
    bench.writer.holds = True
    bench.partition.tick()
    await turns()
    bench.writer.commit()  # the mark before the run
    await turns()
    bench.writer.unwritable = TOO_LARGE
    bench.writer.holds = False
    bench.writer.commit()
    for _ in range(3):
        await bench.after(61)

    assert (codes(bench), clerk.handled, left(bench)) == ([b"unwritable"], [2], 0)
    assert bench.lost == []
    marks = [Mark.decode(raw) for raw in dict(bench.store.scan(MARKS)).values()]
    assert [mark for mark in marks if mark.history.parked] == []  # or they would live for ever


async def test_an_event_that_cannot_be_delayed_is_a_letter() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*bob(9))
    bench.writer.unwritable = TOO_LARGE
    await bench.deliver(*ada(1), headers=LATER)
    await bench.after(3600)

    assert (codes(bench), clerk.handled, left(bench)) == ([b"unwritable"], [9], 0)
    assert bench.partition.positions() == {"order": 2}
    assert "delayed" not in bench.reports.outcomes


async def test_a_lane_whose_head_could_not_be_kept_has_no_earlier_time_left_over() -> None:
    clerk = Clerk({1: [60], 2: [600]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*bob(9))
    bench.writer.unwritable = TOO_LARGE
    await bench.deliver(*ada(1))
    await bench.deliver(*ada(2))
    await bench.after(61)
    assert clerk.handled == [9]
    await bench.after(600)

    assert clerk.handled == [9, 2]


async def test_a_record_with_very_many_headers_can_wait() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=(*[("a", b"")] * 70_000, *LATER))
    await bench.after(3600)

    assert (bench.lost, clerk.handled) == ([], [1])
    assert len(clerk.calls[0].headers) == 2


@pytest.mark.parametrize(
    "value",
    [b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", None, b"", b"\xff", b"inf"],
)
async def test_a_time_that_is_none_stops_nobody(value: bytes | None) -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=(("streamagents-not-before", value),))
    await bench.deliver(*ada(2))
    await bench.after(1)

    assert bench.lost == []
    assert clerk.handled in ([1, 2], [2])
    assert bench.partition.positions() == {"order": 2}


# -- what is judged otherwise when its time has come ------------------------------------------


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (DeadLetter("invalid", "the model has changed"), "dead_lettered"),
        (Skip("tombstone"), "skipped"),
        (Forward("order", 3, b"ada", ()), "forwarded"),
    ],
)
@pytest.mark.parametrize("offset", [0, 1, 2])
async def test_what_may_no_longer_run_is_dealt_with_and_the_lane_goes_on(
    decision: Any, outcome: str, offset: int
) -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2, 3))
    only(decision, offset, bench)
    await bench.after(60)
    await bench.deliver(*ada(4))

    assert clerk.handled == [amount for amount in (1, 2, 3, 4) if amount != offset + 1]
    assert (bench.reports.of(outcome), left(bench), bench.lost) == ([offset], 0, [])


async def test_a_lane_of_which_nothing_may_run_any_more_is_no_lane() -> None:
    clerk = Clerk({1: [60]})
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1, 2))
    for offset in (0, 1):
        only(DeadLetter("invalid", "the model has changed"), offset, bench)
    await bench.after(60)
    await bench.deliver(*ada(3))

    assert (clerk.handled, codes(bench), left(bench)) == ([3], [b"invalid"] * 2, 0)


async def test_a_delayed_event_that_may_no_longer_run_is_a_letter() -> None:
    clerk = Clerk()
    bench = OwnedBench(registration(clerk)).begin()
    await bench.deliver(*ada(1), headers=LATER)
    only(DeadLetter("invalid", "the model has changed"), 0, bench)
    await bench.after(3600)
    await bench.after(1)

    assert (clerk.handled, codes(bench), left(bench)) == ([], [b"invalid"], 0)
