"""Reception: from a record to a lane, a letter, another topic, or the state where it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.events.envelope import header
from streamagents.pipeline.outcome import DeadLetter, Forward, Skip
from streamagents.pipeline.places import delayed_key
from streamagents.pipeline.stored import decode_record, encode_record
from streamagents.runtime.reception import Source
from support.bench import Bench
from support.records import record, turns

if TYPE_CHECKING:
    from streamagents.ports import Record
    from streamagents.runtime.reception import Reception

ENTRY = delayed_key(5, "order", 7)
SOURCE = record(b'{"customer":"ada"}', key=b"ada", headers=(("ce_id", b"c-1"),))
LATER = (("streamagents-not-before", b"2026-01-01T01:00:00Z"),)


def stored(source: Any = SOURCE) -> Record:
    """The same record, as it comes out of the state."""
    return cast("Record", decode_record(ENTRY, encode_record(source, 5)))


class Desk:
    """A reception whose verdict a test decides; what it does with a record is noted."""

    def __init__(self, verdict: Any = None) -> None:
        self.bench = Bench()
        self.bench.store.apply([("x", {ENTRY: b"\x01"})], None)
        self.verdict = verdict
        self.delayed: list[tuple[int, str]] = []
        self.bench.waiting.delay = lambda incoming, until: self.delayed.append(  # type: ignore[method-assign] # listens
            (incoming.record.offset, until.isoformat())
        )
        source = Source(self.bench.subscription, self._decide, "Scripted")
        self.reception: Reception = self.bench.reception(source)

    def _decide(self, source: Record) -> Any:
        return self.verdict or self.bench.incoming(source)

    async def receive(self, source: Record) -> None:
        self.reception.receive(source)
        await turns()

    @property
    def did(self) -> dict[str, Any]:
        """What became of the record."""
        return {
            "pushed": len(self.bench.pushed),
            "delayed": self.delayed,
            "topics": [out.topic for out in self.bench.records],
            "finished": self.bench.finished,
            "outcomes": self.bench.reports.outcomes,
        }


def nothing(**but: Any) -> dict[str, Any]:
    return {"pushed": 0, "delayed": [], "topics": [], "finished": [], "outcomes": [], **but}


async def test_what_may_run_is_pushed_and_not_finished() -> None:
    desk = Desk()
    await desk.receive(SOURCE)

    assert desk.did == nothing(pushed=1)


async def test_what_may_not_run_yet_is_delayed() -> None:
    desk = Desk()
    await desk.receive(record(b"{}", headers=LATER))

    assert desk.did == nothing(delayed=[(7, "2026-01-01T01:00:00+00:00")])


@pytest.mark.parametrize("headers", [LATER, ()])
async def test_what_comes_out_of_the_state_has_waited_long_enough(headers: Any) -> None:
    """Its time is the state's affair: a clock that was set back would delay it again."""
    desk = Desk()
    await desk.receive(stored(record(b"{}", headers=headers)))

    assert desk.did == nothing(pushed=1)


async def test_a_time_that_is_none_makes_a_letter() -> None:
    desk = Desk()
    await desk.receive(record(b"{}", headers=(("streamagents-not-before", b"soon"),)))

    assert desk.did == nothing(topics=["order.dlq"], finished=[7], outcomes=["dead_lettered"])
    (letter,) = desk.bench.letters
    assert header(letter.headers, "streamagents-error-code") == b"invalid"


VERDICTS = [
    (Skip("other_app"), [], "skipped", "other_app"),
    (Forward("other", 3, b"k", (("a", b"1"),)), ["other"], "forwarded", "other"),
    (DeadLetter("invalid", "no order"), ["order.dlq"], "dead_lettered", "no order"),
]


@pytest.mark.parametrize(("verdict", "topics", "outcome", "detail"), VERDICTS)
@pytest.mark.parametrize("waited", [True, False])
async def test_anything_else_is_dealt_with_and_finished_when_that_is_durable(
    verdict: Any,
    topics: list[str],
    outcome: str,
    detail: str,
    waited: bool,  # noqa: FBT001 - a case
) -> None:
    desk = Desk(verdict)
    desk.bench.writer.holds = True
    source = stored() if waited else SOURCE
    await desk.receive(source)
    assert desk.did == nothing()
    desk.bench.writer.commit()

    assert desk.did == nothing(topics=topics, finished=[7], outcomes=[outcome])
    assert desk.bench.reports.all[0].detail == detail
    assert (ENTRY in desk.bench.store.durable) is not waited  # what has waited is gone


async def test_a_forwarded_record_is_what_it_was() -> None:
    desk = Desk(Forward("other", 3, b"k", (("a", b"1"),)))
    await desk.receive(SOURCE)
    (out,) = desk.bench.records

    assert (out.partition, out.key, out.headers) == (3, b"k", (("a", b"1"),))
    assert (out.value, out.timestamp) == (SOURCE.value, SOURCE.timestamp)


@pytest.mark.parametrize("verdict", [Skip("tombstone"), Forward("other", 3, b"k", ())])
@pytest.mark.parametrize("waited", [True, False])
async def test_what_can_never_be_written_is_a_letter(verdict: Any, waited: bool) -> None:  # noqa: FBT001 - a case
    desk = Desk(verdict)
    desk.bench.writer.unwritable = MessageSizeTooLargeError("a little too much")
    await desk.receive(stored() if waited else SOURCE)

    assert desk.did == nothing(topics=["order.dlq"], finished=[7], outcomes=["dead_lettered"])
    (letter,) = desk.bench.letters
    assert header(letter.headers, "streamagents-error-code") == b"unwritable"
    assert (ENTRY in desk.bench.store.durable) is not waited


async def test_judging_alone_pushes_nothing() -> None:
    desk = Desk()

    assert desk.reception.judge(SOURCE) == desk.bench.incoming(SOURCE)
    desk.verdict = Skip("tombstone")
    assert desk.reception.judge(SOURCE) is None
    await turns()

    assert desk.did == nothing(finished=[7], outcomes=["skipped"])
