"""Intake: when a partition is full, and what becomes of records that no agent gets."""

from __future__ import annotations

import pytest

from streamagents.events.envelope import header
from streamagents.runtime.intake import MAX_BYTES, MAX_SPAN
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import INBOX
from support.desks import IntakeDesk
from support.records import PARTITIONS, Anything, off_place, orders, record, turns


async def test_a_partition_is_full_at_its_limit_and_no_longer_when_one_finishes() -> None:
    desk = IntakeDesk(limit=3)
    desk.poll(*orders(0, 1))
    assert desk.state == "open"
    desk.poll(*orders(2))
    assert desk.state == "full"
    desk.intake.finish(orders(1)[0])

    assert desk.state == "open"


async def test_a_partition_is_full_when_its_records_are_large() -> None:
    desk = IntakeDesk()
    large = [record(b"x" * (MAX_BYTES // 2), offset=offset) for offset in (0, 1)]
    desk.poll(large[0])
    assert desk.state == "open"
    desk.poll(large[1])
    assert desk.state == "full"
    await turns()  # both are no JSON, and letters by now

    assert desk.state == "open"


async def test_a_partition_is_full_when_one_event_holds_up_very_many_others() -> None:
    desk = IntakeDesk(limit=10**9)
    ledger = desk.intake.ledger
    ledger.deliver(range(MAX_SPAN), MAX_SPAN)
    for offset in range(1, MAX_SPAN):
        ledger.finish(offset)
    assert (ledger.unfinished, desk.state) == (1, "full")
    ledger.finish(0)
    assert ledger.position == MAX_SPAN

    assert desk.state == "open"


async def test_what_cannot_be_read_is_finished_as_a_letter() -> None:
    desk = IntakeDesk()
    desk.poll(record(b"{", offset=0), record(None, offset=1, key=b"k"), *orders(2))
    await turns()

    assert (desk.offsets, desk.intake.ledger.position) == ([2], 2)
    codes = [header(out.headers, "streamagents-error-code") for out in desk.bench.letters]
    assert codes == [b"undecodable", b"tombstone"]


async def test_a_forwarded_record_is_finished_when_it_is_written_where_it_belongs() -> None:
    desk = IntakeDesk()
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
    desk = IntakeDesk(inbox=True)
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
    desk = IntakeDesk()
    desk.poll(*orders(0))
    await turns()
    desk.writer.holds = holds
    desk.poll(record(b"{", offset=1))
    await turns()
    desk.intake.finish(orders(0)[0])

    assert desk.intake.ledger.position == (1 if holds else 2)
