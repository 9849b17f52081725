"""Records that cannot be written, or come again unread."""

from __future__ import annotations

from aiokafka.errors import MessageSizeTooLargeError

from streamagents.errors import UndecodableError
from streamagents.pipeline.outcome import DeadLetter
from support.bench import Bench
from support.desks import IntakeDesk
from support.records import off_place, record, turns


async def test_a_forward_that_can_never_be_written_becomes_a_letter() -> None:
    """A record of just the topic's limit grows by the origin header; or the target is gone.

    The writer then gives the partition up, joins again, and meets the same record for ever.
    """
    desk = IntakeDesk()
    desk.bench.writer.unwritable = MessageSizeTooLargeError("a little too much")
    desk.poll(record(b'{"customer":"ada"}', partition=off_place(b"ada"), offset=0))
    await turns()

    assert [out.topic for out in desk.bench.letters] == ["order.dlq"]
    assert desk.intake.ledger.position == 1


async def test_an_unread_record_that_comes_again_is_told_as_a_duplicate() -> None:
    bench = Bench()
    why = DeadLetter("undecodable", "no JSON", UndecodableError("no JSON"))
    for _ in range(2):
        bench.settling.dead_letter_unread(record(b"{"), bench.subscription, why)
        await turns()

    assert bench.reports.outcomes == ["dead_lettered", "duplicate"]
