"""Writes the dashboards' JSON: `make dashboards`."""

from __future__ import annotations

from pathlib import Path

from dashboards import BOARDS
from dashboards.drawing import drawn

FOLDER = Path(__file__).parent.parent / "grafana"

if __name__ == "__main__":
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(drawn(board))
