"""Every round leaves a line, whatever came of it, and all of them a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chaos.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

GREEN: dict[str, Any] = {"verdict": "GREEN", "seconds": 99, "events": 10, "faults": ["1s kill 7"]}
RED: dict[str, Any] = {
    "verdict": "RED",
    "seconds": 50,
    "events": 10,
    "faults": [],
    "red": {"lost": {}},
}
BROKEN_OFF: dict[str, Any] = {"verdict": "BROKEN OFF", "error": "RuntimeError()"}


def test_rounds_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "tally.jsonl"
    Tally(file).add(7, GREEN, replay="python -m chaos --seed 7")
    Tally(file).add(8, RED, replay="python -m chaos --seed 8")

    rows = [json.loads(line) for line in file.read_text().splitlines()]

    assert [(row["seed"], row["verdict"]) for row in rows] == [(7, "GREEN"), (8, "RED")]
    assert all(row["revision"] and row["replay"] and row["at"] for row in rows)


def test_a_sentence_says_what_came_of_all(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally.jsonl")
    for seed, row in enumerate((GREEN, RED, BROKEN_OFF)):
        tally.add(seed, row, replay="")

    said = tally.summary()

    assert said.startswith("1 BROKEN OFF, 1 GREEN, 1 RED: 20 events, 1 faults, 149 s, revision ")
    assert "not green: 1, 2" in said
    assert not tally.green


def test_only_green_rounds_are_green(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally.jsonl")
    assert not tally.green  # nothing was played

    tally.add(1, GREEN, replay="")

    assert tally.green
