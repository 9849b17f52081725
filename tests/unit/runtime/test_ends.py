"""Ends: marks that leave together keep the order of everything else that leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from streamagents.runtime.ends import Ends
from streamagents.runtime.group import Group
from support.bench import Bench
from support.records import record

if TYPE_CHECKING:
    from streamagents.ports import Record


class Desk:
    """The ends of a partition whose writer commits when it is told to."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.writer = self.bench.writer
        self.writer.holds = True
        self.finished: list[int] = []
        self.ends = Ends(cast("Any", self.writer), self.bench.reports, self._finish)

    def _finish(self, done: Record) -> None:
        self.finished.append(done.offset)

    def end(self, offset: int) -> bytes:
        """An event succeeded; where its mark lies."""
        value = b'{"id":"o%d","customer":"ada","amount":1}' % offset
        incoming = self.bench.incoming(record(value, offset=offset))
        self.ends.add(incoming, 1, 0.5, b"done")
        return incoming.seen_key


def test_events_that_left_nothing_else_share_a_group() -> None:
    desk = Desk()
    marks = [desk.end(offset) for offset in range(3)]
    assert len(desk.writer.queue) == 1
    assert [desk.bench.store.get(mark) for mark in marks] == [b"done"] * 3
    assert (desk.finished, desk.bench.reports.all) == ([], [])
    desk.writer.commit()

    assert desk.finished == [0, 1, 2]
    told = [(report.outcome, report.offset, report.attempt) for report in desk.bench.reports.all]
    assert told == [("ok", 0, 1), ("ok", 1, 1), ("ok", 2, 1)]


def test_nothing_overtakes_what_was_queued_in_between() -> None:
    desk = Desk()
    desk.end(0)
    desk.writer.add(Group({b"other": b"1"}, durable=lambda: desk.finished.append(100)))
    desk.end(1)
    desk.writer.commit()

    assert desk.finished == [0, 100, 1]


def test_what_left_is_not_added_to() -> None:
    desk = Desk()
    desk.end(0)
    desk.writer.commit()
    desk.end(1)
    assert desk.finished == [0]
    desk.writer.commit()

    assert desk.finished == [0, 1]
