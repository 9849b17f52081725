"""Intake: polls in, events out to their lanes, each covered by a durable intent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.runtime.intake import IN_LINE
from streamagents.runtime.intent import AHEAD, NOTHING, Intent, intent_key
from support.desks import IntakeDesk
from support.records import orders, turns

if TYPE_CHECKING:
    import pytest

    from streamagents.ports import Record


async def test_events_reach_their_lanes_in_the_order_of_the_partition() -> None:
    desk = IntakeDesk()
    assert desk.poll(*orders(0, 1, 2))
    assert desk.poll(*orders(3, 4))
    await turns()

    assert desk.offsets == [0, 1, 2, 3, 4]
    assert [(told.outcome, told.offset, told.events) for told in desk.reports.all] == [
        ("received", 2, 3),
        ("received", 4, 2),
    ]


async def test_a_missing_poll_is_noticed() -> None:
    desk = IntakeDesk()
    desk.poll(*orders(0, 1))

    assert not desk.poll(*orders(5), start=5)
    await turns()
    assert desk.offsets == [0, 1]


async def test_a_poll_that_comes_twice_is_noticed() -> None:
    desk = IntakeDesk()
    desk.poll(*orders(0, 1), start=0)

    assert not desk.poll(*orders(0, 1), start=0)


async def test_a_poll_of_an_older_seek_is_ignored_without_complaint() -> None:
    desk = IntakeDesk(start=10)

    assert desk.poll(*orders(3), start=3, seek=object())
    await turns()
    assert (desk.lanes, desk.writer.committed, desk.intake.ledger.next) == ([], [], 10)


async def test_the_first_poll_begins_where_the_seek_went() -> None:
    assert not IntakeDesk(start=10).poll(*orders(0), start=0)
    assert IntakeDesk(start=10).poll(*orders(12), start=10)


async def test_gaps_and_markers_between_records_are_no_missing_poll() -> None:
    desk = IntakeDesk()
    assert desk.poll(*orders(4, 9), start=0, end=12)
    assert desk.poll(start=12, end=15)
    assert desk.poll(*orders(15), start=15)
    await turns()

    assert desk.offsets == [4, 9, 15]


async def test_a_poll_of_markers_alone_needs_no_intent() -> None:
    desk = IntakeDesk()
    desk.poll(end=3)
    await turns()

    assert (desk.writer.committed, desk.intake.ledger.position) == ([], 3)


async def test_no_event_begins_before_the_intent_that_covers_it_is_durable() -> None:
    desk = IntakeDesk()
    desk.writer.holds = True
    desk.poll(*orders(0, 1))
    desk.poll(*orders(2))
    await turns()
    assert desk.lanes == []
    desk.writer.commit()

    assert desk.offsets == [0, 1, 2]
    assert desk.intent == Intent(process="p1", high=1 + AHEAD)


async def test_one_intent_reaches_ahead_of_many_polls() -> None:
    desk = IntakeDesk()
    for offset in range(200):
        desk.poll(*orders(offset))
    await turns()

    assert len(desk.offsets) == 200
    assert len(desk.writer.committed) == 1


async def test_what_lies_beyond_the_intent_waits_for_the_next() -> None:
    desk = IntakeDesk()
    desk.poll(*orders(0))
    await turns()
    desk.writer.holds = True
    desk.poll(*orders(AHEAD), start=1)
    desk.poll(*orders(AHEAD + 1))
    desk.poll(*orders(AHEAD + 2))
    assert desk.offsets == [0, AHEAD]
    desk.writer.commit()

    assert desk.offsets == [0, AHEAD, AHEAD + 1, AHEAD + 2]
    assert desk.intent.high == 2 * AHEAD


async def test_a_steady_stream_does_not_wait_for_its_intents() -> None:
    desk = IntakeDesk(limit=10_000)
    desk.poll(*orders(0))
    await turns()
    for offset in range(1, 4 * AHEAD):
        desk.writer.holds = offset % (AHEAD // 4) != 0  # what is to be durable takes its time
        desk.poll(*orders(offset))
        if not desk.writer.holds:
            desk.writer.commit()

        assert desk.offsets[-1] == offset


async def test_an_intent_carries_on_what_was_inherited() -> None:
    inherited = Intent(process="p1", careful=50, presumed_above=20, suspect="p0")
    desk = IntakeDesk(intent=inherited)
    desk.poll(*orders(0))
    await turns()

    assert desk.intent == Intent(
        process="p1", high=AHEAD, careful=50, presumed_above=20, suspect="p0"
    )


async def test_a_release_takes_the_intent_back_and_keeps_the_care() -> None:
    desk = IntakeDesk(intent=Intent(process="p1", careful=50, suspect="p0"))
    assert desk.intake.released() == {}
    desk.poll(*orders(0))
    ((key, value),) = desk.intake.released().items()

    assert key == intent_key("order")
    assert Intent.decode(value) == Intent(process="p1", high=NOTHING, careful=50, suspect="p0")


async def test_what_there_is_no_room_for_stays_as_it_was_read_but_for_a_few_in_line() -> None:
    desk = IntakeDesk()
    desk.room = False
    desk.poll(*orders(*range(IN_LINE)))
    desk.poll(*orders(IN_LINE))
    desk.poll(*orders(IN_LINE + 1))
    await turns()
    assert (len(desk.offsets), desk.intake.ledger.unfinished) == (IN_LINE, IN_LINE + 2)
    desk.room = True
    desk.intake.admit()

    assert desk.offsets == list(range(IN_LINE + 2))


async def test_for_each_that_has_ended_another_is_handed_on() -> None:
    desk = IntakeDesk()
    desk.room = False
    desk.poll(*orders(*range(IN_LINE + 2)))
    await turns()
    desk.intake.finish(desk.lanes[0].record)
    await turns()

    assert desk.offsets == list(range(IN_LINE + 1))


async def test_what_came_first_begins_first_when_there_is_room_again() -> None:
    desk = IntakeDesk()
    desk.poll(*orders(0))
    await turns()
    desk.room = False
    desk.poll(*orders(1, 2))
    desk.room = True
    desk.poll(*orders(3))
    await turns()

    assert desk.offsets == [0, 1, 2, 3]


async def test_what_takes_long_lets_the_loop_go_round_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = IntakeDesk()
    receive = desk.intake._receive

    def slow(source: Record) -> None:
        desk.bench.clock.advance(0.006)
        receive(source)

    monkeypatch.setattr(desk.intake, "_receive", slow)
    desk.poll(*orders(0, 1, 2, 3, 4))
    seen: list[int] = []
    while len(desk.offsets) < 5:
        await asyncio.sleep(0)
        seen.append(len(desk.offsets))

    assert {2, 4, 5} <= set(seen) <= {0, 2, 4, 5}
    assert desk.offsets == [0, 1, 2, 3, 4]
