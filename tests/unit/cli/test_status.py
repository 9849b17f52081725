"""`streamagents status`: what there is to say of a schedule and of a monitor."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from streamagents.cli.woken import woken
from streamagents.pipeline.woken import LastSlot
from streamagents.triggers import Schedule
from support.commands import streamagents
from support.metronome import Metronome
from support.records import Receipt

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)

APP = """
from typing import Any
from streamagents import Event, create_app

class ReportDue(Event, topic="report_due"):
    pass

class Fallback:
    async def run(self, event: dict[str, Any]) -> None: ...

app = create_app("crm", agents={}, fallback=Fallback(), emits=[ReportDue])
"""


def test_a_schedule_has_an_expression_a_zone_and_a_next_slot_in_it() -> None:
    schedule = Schedule("report", "0 9 * * mon-fri", event=Receipt, zone="Europe/Berlin")

    found = woken(schedule, NOW, None)

    assert (found.cron, found.zone) == ("0 9 * * mon-fri", "Europe/Berlin")
    assert found.next is not None
    assert found.next.isoformat() == "2026-11-24T09:00:00+01:00"


def test_what_else_ticks_has_an_interval() -> None:
    found = woken(Metronome("pulse", 90), NOW, None)

    assert (found.cron, found.every_s, found.when) == ("", 90.0, "every 90 s")
    assert found.next == datetime(2026, 11, 23, 12, 1, 30, tzinfo=UTC)


def poll(**fields: object) -> dict[str, object]:
    return {"outcome": "ok", "age_s": 5.0, "failures": 0, "reason": "", **fields}


@pytest.mark.parametrize(
    ("last", "told", "words"),
    [
        (None, None, ""),
        ("waiting", None, "waiting"),
        ("handled", None, "looked; only its worker knows what came of it"),
        ("handled", poll(), "ok, 5 s ago"),
        ("handled", poll(outcome="failed", failures=3, reason="gone"), "failing, 3 in a row: gone"),
        ("handled", poll(outcome="skipped", failures=9, reason="x"), "failing, 9 in a row: x"),
        ("dead_letter", poll(), "dead letter failed"),
    ],
)
def test_a_monitor_reads_as_its_looks_went(
    last: str | None, told: dict[str, object] | None, words: str
) -> None:
    slot = NOW - timedelta(seconds=30)
    code = "failed" if last == "dead_letter" else ""
    known = None if last is None else LastSlot(slot, last, code)  # type: ignore[arg-type] # each by its name

    assert woken(Metronome("pulse", 90), NOW, known, told).outcome == words


def test_a_broker_that_is_away_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "crm.py").write_text(APP)
    env = {"STREAMAGENTS_APP": "crm", "STREAMAGENTS_BROKER": "127.0.0.1:1"}
    began = time.monotonic()

    done = streamagents("status", env=env, cwd=tmp_path)

    assert time.monotonic() - began < 15
    assert done.returncode == 1
    assert done.stderr == "No Kafka broker can be reached at 127.0.0.1:1: is it running?\n"
