"""What is wrong is said in time, what is well is left alone: real faults, the shipped alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drill.saying import line, play
from drill.ward import Row
from drill.watcher import first

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

WITHIN_S = {"held": 30, "hanging": 120, "topic": 60, "dead": 150, "frozen": 160}
"""Until the alert fires: what its rule waits, and half a minute for a machine that is busy."""
TOLD = [(1.0, "ok"), (5.0, "stuck"), (9.0, "ok")]


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", WITHIN_S)
async def test_a_fault_is_told_of_in_time_and_so_is_its_end(
    fault: str, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    (row,), _ = await play(broker.address, tmp_path, [fault], 0)

    assert row.fired is not None
    assert row.fired < WITHIN_S[fault], line(row)
    assert row.well["/health"] is not None, line(row)
    assert row.ended is not None, line(row)


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.timeout(900)
async def test_nothing_is_said_of_nights_waits_long_handlers_and_deploys(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    _, wrongly = await play(broker.address, tmp_path, ["calm"], 200)

    assert wrongly == []


@pytest.mark.parametrize(
    ("word", "since", "seconds"),
    [("ok", 2.0, 0.0), ("stuck", 2.0, 3.0), ("ok", 6.0, 3.0), ("stuck", 9.5, None)],
)
def test_the_watcher_knows_how_long_a_word_took(
    word: str, since: float, seconds: float | None
) -> None:
    assert first(TOLD, lambda told: told == word, since) == seconds


def test_a_row_says_what_was_never_said() -> None:
    row = Row(fault="a fault", alert="StreamagentsStuck", pages={"/health": 1.4}, fired=2.0)
    assert line(row) == "| a fault | 1 s | - | `Stuck` 2 s | - | - | - |"
