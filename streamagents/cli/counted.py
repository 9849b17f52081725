"""Counts of letters, as `streamagents dlq list` prints them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from streamagents.review.shown import age, safe

if TYPE_CHECKING:
    from streamagents.review.counts import Counts, Kind, Tally

_PIPE_WIDTH = 200
_COLUMNS = (
    "Topic",
    "Agent",
    "Error",
    "Letters",
    "Open",
    "Under way",
    "Parked",
    "Oldest",
    "Newest",
)


def row_of(kind: Kind, tally: Tally, now: datetime) -> dict[str, Any]:
    """One kind of letters, for `--json`."""
    oldest, newest = _moment(tally.oldest_ms), _moment(tally.newest_ms)
    return {
        "topic": kind.topic,
        "agent": kind.agent,
        "error": kind.error,
        "letters": tally.letters,
        "open": tally.open,
        "under_way": tally.under_way,
        "parked": tally.parked,
        "oldest": oldest.isoformat(),
        "newest": newest.isoformat(),
        "oldest_age_s": max(0, int((now - oldest).total_seconds())),
    }


def _moment(ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(max(ms, 0) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def print_counts(counts: Counts, now: datetime) -> None:
    """A table, a kind a line."""
    from rich.box import SIMPLE  # noqa: PLC0415 - `--help` can do without
    from rich.console import Console  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    if not counts.letters:
        typer.echo("There are no letters that wait for somebody.")
        return
    names = (
        "Topic",
        "Agent",
        "Error",
        "Letters",
        "Open",
        "Under way",
        "Parked",
        "Oldest",
        "Newest",
    )
    table = Table(*names, box=SIMPLE)
    for kind, tally in counts.rows():
        numbers = (tally.letters, tally.open, tally.under_way, tally.parked)
        ages = (age(_moment(ms), now) for ms in (tally.oldest_ms, tally.newest_ms))
        cells = (*map(safe, kind), *(f"{number:,}" for number in numbers), *ages)
        table.add_row(*map(Text, cells))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)  # for grep: a kind a line
    console.print(table)
