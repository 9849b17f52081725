"""Intake: from a poll to lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from faust.types import TP

from streamagents.events.envelope import header
from streamagents.runtime.handling import Handling
from streamagents.runtime.intake import MAX_BYTES, MAX_SPAN, Intake
from streamagents.runtime.intent import AHEAD, NOTHING, Intent, intent_key
from streamagents.runtime.seam import Poll
from streamagents.testing.bus import MemoryRecord, murmur2_partition
from streamagents.topics import INBOX
from support.records import (
    PARTITIONS,
    Anything,
    Bench,
    fallback,
    off_place,
    record,
    subscription,
    turns,
)

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Record

SEEK = object()


class Desk:
    """One source partition; its lanes are a list."""

    def __init__(
        self,
        *,
        start: int = 0,
        intent: Intent | None = None,
        limit: int = 1000,
        inbox: bool = False,
    ) -> None:
        self.bench = Bench()
        self.writer, self.reports = self.bench.writer, self.bench.reports
        self.lanes: list[Incoming] = []
        writer = cast("Any", self.writer)
        handling = Handling(
            self.bench.worker,
            cast("Any", self.bench.store),
            writer,
            self._finish,
        )
        self.intake = Intake(
            subscription(fallback(), INBOX) if inbox else self.bench.subscription,
            inbox={"order": self.bench.subscription} if inbox else None,
            partition=0,
            start=(start, SEEK),
            intent=intent or Intent(process="p1"),
            limit=limit,
            partition_of=murmur2_partition,
            settling=handling.settling,
            writer=writer,
            observer=self.reports,
            push=lambda _, incoming: self.lanes.append(incoming),
        )

    def _finish(self, done: Record) -> None:
        self.intake.finish(done)

    @property
    def state(self) -> str:
        return "full" if self.intake.full else "open"

    def poll(
        self,
        *records: MemoryRecord,
        start: int | None = None,
        end: int | None = None,
        seek: object = SEEK,
    ) -> bool:
        begin = self.intake.ledger.next if start is None else start
        after = records[-1].offset + 1 if records else begin
        tp = TP(self.intake.subscription.topic, 0)
        return self.intake.take(Poll(tp, records, begin, after if end is None else end, seek))

    @property
    def offsets(self) -> list[int]:
        return [incoming.record.offset for incoming in self.lanes]

    @property
    def intent(self) -> Intent:
        return Intent.decode(
            self.bench.store.durable.get(intent_key(self.intake.subscription.topic))
        )


def orders(*offsets: int) -> list[MemoryRecord]:
    return [record(b"{}", offset=offset) for offset in offsets]


async def test_events_reach_their_lanes_in_the_order_of_the_partition() -> None:
    desk = Desk()
    assert desk.poll(*orders(0, 1, 2))
    assert desk.poll(*orders(3, 4))
    await turns()

    assert desk.offsets == [0, 1, 2, 3, 4]
    assert desk.reports.outcomes == ["received"] * 5


async def test_a_missing_poll_is_noticed() -> None:
    desk = Desk()
    desk.poll(*orders(0, 1))

    assert not desk.poll(*orders(5), start=5)
    await turns()
    assert desk.offsets == [0, 1]


async def test_a_poll_that_comes_twice_is_noticed() -> None:
    desk = Desk()
    desk.poll(*orders(0, 1), start=0)

    assert not desk.poll(*orders(0, 1), start=0)


async def test_a_poll_of_an_older_seek_is_ignored_without_complaint() -> None:
    desk = Desk(start=10)

    assert desk.poll(*orders(3), start=3, seek=object())
    await turns()
    assert (desk.lanes, desk.writer.committed, desk.intake.ledger.next) == ([], [], 10)


async def test_the_first_poll_begins_where_the_seek_went() -> None:
    assert not Desk(start=10).poll(*orders(0), start=0)
    assert Desk(start=10).poll(*orders(12), start=10)


async def test_gaps_and_markers_between_records_are_no_missing_poll() -> None:
    desk = Desk()
    assert desk.poll(*orders(4, 9), start=0, end=12)
    assert desk.poll(start=12, end=15)
    assert desk.poll(*orders(15), start=15)
    await turns()

    assert desk.offsets == [4, 9, 15]


async def test_a_poll_of_markers_alone_needs_no_intent() -> None:
    desk = Desk()
    desk.poll(end=3)
    await turns()

    assert (desk.writer.committed, desk.intake.ledger.position) == ([], 3)


async def test_no_event_begins_before_the_intent_that_covers_it_is_durable() -> None:
    desk = Desk()
    desk.writer.holds = True
    desk.poll(*orders(0, 1))
    desk.poll(*orders(2))
    await turns()
    assert desk.lanes == []
    desk.writer.commit()

    assert desk.offsets == [0, 1, 2]
    assert desk.intent == Intent(process="p1", high=1 + AHEAD)


async def test_one_intent_reaches_ahead_of_many_polls() -> None:
    desk = Desk()
    for offset in range(200):
        desk.poll(*orders(offset))
    await turns()

    assert len(desk.offsets) == 200
    assert len(desk.writer.committed) == 1


async def test_what_lies_beyond_the_intent_waits_for_the_next() -> None:
    desk = Desk()
    desk.poll(*orders(0))
    await turns()
    desk.writer.holds = True
    desk.poll(*orders(AHEAD), start=1)
    desk.poll(*orders(AHEAD + 1))
    desk.poll(*orders(AHEAD + 2))
    assert desk.offsets == [0, AHEAD]
    desk.writer.commit()

    assert desk.offsets == [0, AHEAD, AHEAD + 1, AHEAD + 2]
    assert desk.intent.high == 2 * AHEAD + 1


async def test_an_intent_carries_on_what_was_inherited() -> None:
    inherited = Intent(process="p1", careful=50, presumed_above=20, suspect="p0")
    desk = Desk(intent=inherited)
    desk.poll(*orders(0))
    await turns()

    assert desk.intent == Intent(
        process="p1", high=AHEAD, careful=50, presumed_above=20, suspect="p0"
    )


async def test_a_release_takes_the_intent_back_and_keeps_the_care() -> None:
    desk = Desk(intent=Intent(process="p1", careful=50, suspect="p0"))
    assert desk.intake.released() == {}
    desk.poll(*orders(0))
    ((key, value),) = desk.intake.released().items()

    assert key == intent_key("order")
    assert Intent.decode(value) == Intent(process="p1", high=NOTHING, careful=50, suspect="p0")


async def test_a_partition_is_full_at_its_limit_and_no_longer_when_one_finishes() -> None:
    desk = Desk(limit=3)
    desk.poll(*orders(0, 1))
    assert desk.state == "open"
    desk.poll(*orders(2))
    assert desk.state == "full"
    desk.intake.finish(orders(1)[0])

    assert desk.state == "open"


async def test_a_partition_is_full_when_its_records_are_large() -> None:
    desk = Desk()
    large = [record(b"x" * (MAX_BYTES // 2), offset=offset) for offset in (0, 1)]
    desk.poll(large[0])
    assert desk.state == "open"
    desk.poll(large[1])
    assert desk.state == "full"
    await turns()  # both are no JSON, and letters by now

    assert desk.state == "open"


async def test_a_partition_is_full_when_one_event_holds_up_very_many_others() -> None:
    desk = Desk(limit=10**9)
    ledger = desk.intake.ledger
    ledger.deliver(range(MAX_SPAN), MAX_SPAN)
    for offset in range(1, MAX_SPAN):
        ledger.finish(offset)
    assert (ledger.unfinished, desk.state) == (1, "full")
    ledger.finish(0)
    assert ledger.position == MAX_SPAN

    assert desk.state == "open"


async def test_what_cannot_be_read_is_finished_as_a_letter() -> None:
    desk = Desk()
    desk.poll(record(b"{", offset=0), record(None, offset=1, key=b"k"), *orders(2))
    await turns()

    assert (desk.offsets, desk.intake.ledger.position) == ([2], 2)
    codes = [header(out.headers, "streamagents-error-code") for out in desk.bench.letters]
    assert codes == [b"undecodable", b"tombstone"]


async def test_a_forwarded_record_is_finished_when_it_is_written_where_it_belongs() -> None:
    desk = Desk()
    away = record(
        b'{"customer":"ada"}', partition=off_place(b"ada"), offset=0, headers=(("a", b"1"),)
    )
    desk.poll(away)
    desk.writer.holds = True
    await turns()
    desk.writer.commit()
    (group,) = [group for group in desk.writer.committed if group.records]
    (out,) = group.records

    assert (out.topic, out.key, out.value) == ("order", b"ada", away.value)
    assert out.partition == murmur2_partition(b"ada", PARTITIONS)
    assert (out.timestamp, out.headers[0]) == (away.timestamp, ("a", b"1"))
    assert desk.intake.ledger.position == 1
    assert desk.reports.outcomes == ["received", "forwarded"]


async def test_the_inbox_forwards_what_it_knows_and_handles_the_rest() -> None:
    desk = Desk(inbox=True)
    desk.poll(
        record(b'{"type":"order","data":{}}', topic=INBOX, offset=0),
        record(b'{"type":"complaint","data":{}}', topic=INBOX, offset=1),
        record(b"{}", topic=INBOX, offset=2),
    )
    await turns()

    assert desk.offsets == [1]
    assert desk.lanes[0].registration.name == Anything.__name__
    written = [out.topic for group in desk.writer.committed for out in group.records]
    assert written == ["order", INBOX + ".dlq"]


@pytest.mark.parametrize("holds", [True, False])
async def test_the_commit_position_waits_for_every_outcome(holds: bool) -> None:  # noqa: FBT001 - a case
    desk = Desk()
    desk.poll(*orders(0))
    await turns()
    desk.writer.holds = holds
    desk.poll(record(b"{", offset=1))
    await turns()
    desk.intake.finish(orders(0)[0])

    assert desk.intake.ledger.position == (1 if holds else 2)
