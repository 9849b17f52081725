"""What the topics tell of the last slot of each schedule and monitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.agents.tick import Tick, tick_id
from streamagents.pipeline.outbox import APP
from streamagents.pipeline.ticks import tick_record
from streamagents.pipeline.woken import LastSlot, last_slots
from streamagents.topics import TICKS
from support.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.testing.bus import MemoryRecord

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)


def tick(name: str, slot: datetime, offset: int, *, app: str = "shop") -> MemoryRecord:
    out = tick_record(
        Tick(name=name, slot=slot),
        app_id=app,
        topic=TICKS,
        partition=1,
        now=slot,
        traceparent=b"",
    )
    return record(
        out.value, topic=TICKS, partition=1, offset=offset, key=out.key, headers=out.headers
    )


def letter(name: str, slot: datetime, code: bytes = b"failed") -> MemoryRecord:
    headers = ((APP, b"shop"), ("ce_id", tick_id(name, slot).encode()))
    return record(topic=f"{TICKS}.dlq", headers=(*headers, ("streamagents-error-code", code)))


def event(name: str, slot: datetime, source: str = "cron/a") -> MemoryRecord:
    headers = (("ce_source", source.encode()), ("ce_id", tick_id(name, slot).encode()))
    return record(topic="report", headers=headers)


def found(ticks: Sequence[MemoryRecord], committed: int = 0, **more: Any) -> dict[str, LastSlot]:
    more = {"letters": [], "emitted": [], **more}
    return last_slots(ticks, app_id="shop", committed={(TICKS, 1): committed}, **more)


@pytest.mark.parametrize(
    ("committed", "more", "outcome", "code"),
    [
        (0, {}, "waiting", ""),
        (5, {}, "waiting", ""),
        (6, {}, "handled", ""),
        (6, {"emitted": [event("a", NINE)]}, "fired", ""),
        (5, {"emitted": [event("a", NINE)]}, "fired", ""),
        (6, {"emitted": [event("a", TEN)]}, "handled", ""),
        (6, {"emitted": [event("a", NINE, "gateway/x")]}, "handled", ""),
        (6, {"letters": [letter("a", NINE)]}, "dead_letter", "failed"),
        (6, {"letters": [letter("b", NINE)]}, "handled", ""),
    ],
)
def test_what_became_of_a_slot(committed: int, more: Any, outcome: Any, code: str) -> None:
    assert found([tick("a", NINE, 5)], committed, **more) == {"a": LastSlot(NINE, outcome, code)}


def test_the_newest_slot_counts_whichever_was_written_last() -> None:
    ticks = [tick("a", NINE, 1), tick("a", TEN, 2), tick("b", NINE, 3), tick("a", NINE, 4)]

    assert {name: last.slot for name, last in found(ticks).items()} == {"a": TEN, "b": NINE}


def test_a_slot_that_was_written_again_waits_until_that_is_read_too() -> None:
    ticks = [tick("a", NINE, 1), tick("a", NINE, 7)]

    assert found(ticks, 5)["a"].outcome == "waiting"
    assert found(ticks, 8)["a"].outcome == "handled"


def test_other_applications_and_what_cannot_be_read_are_left_out() -> None:
    damaged = record(b"{", topic=TICKS, headers=((APP, b"shop"),))
    bare = record(None, topic=TICKS, headers=((APP, b"shop"), ("ce_id", b"\xff")))

    assert found([tick("a", NINE, 1, app="other"), damaged, bare, record(topic=TICKS)]) == {}
