"""A group at a glance, as `streamagents status` prints it: one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamagents.cli.woken import utc
from streamagents.review.shown import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamagents.cli.woken import Woken

_PIPE_WIDTH = 240
_STYLES = {
    "ok": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "waiting": "yellow",
    "out_of_reach": "yellow",
}
_BAD = "bold red"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def print_glance(told: Mapping[str, Any], clocked: Sequence[Woken]) -> None:
    """Print all of it.

    Args:
        told: as `--json` has it.
        clocked: schedules and monitors.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)  # for grep: one a line
    line = Text(f"{told['app']} on {told['broker']}: ")
    line.append(told["status"], _style(told["status"]))
    line.append(f", {safe(told['reason'])}" if told["reason"] else "")
    console.print(line)
    if told["workers"]:
        console.print(_workers(told["workers"]))
    console.print(_topics(told["topics"]))
    for text in _lines(told):
        console.print(Text(text))
    for one in told["beside"]:
        line = Text(f"{one['what']} at {one['address']}: ")
        line.append(safe(one["status"]), _style(one["status"]))
        line.append(f", {safe(one['reason'])}" if one["reason"] else "")
        console.print(line)
    if clocked:
        console.print(_clocked(clocked))


def _workers(workers: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("Worker", "Status", "Partitions", "Seen at", "Pages", "Reason", box=SIMPLE)
    for one in workers:
        table.add_row(
            Text(safe(one["worker"])),
            Text(safe(one["status"].replace("_", " ")), _style(one["status"])),
            Text(f"{sum(map(len, one['partitions'].values())):,}" if one["member"] else "none"),
            Text(safe(one["host"])),
            Text(safe(one["address"])),
            Text(safe(one["reason"])),
        )
    return table


def _topics(topics: Mapping[str, Mapping[str, Any]]) -> Table:
    names = ("Topic", "Waiting", "In flight", "Last event", "Oldest unfinished", "Dead letters")
    table = Table(names[0], box=SIMPLE)
    table.columns[0].no_wrap = True
    for name in names[1:]:
        table.add_column(name, justify="right")
    for topic, one in topics.items():
        letters = one["dead_letters"]
        table.add_row(
            Text(topic),
            Text(f"{one['waiting']:,}"),
            Text(_number(one["in_flight"])),
            Text("" if one["age_s"] is None else f"{_span(one['age_s'])} ago"),
            Text(_span(one["oldest_unfinished_s"]) if one["oldest_unfinished_s"] else ""),
            Text(_number(letters), _BAD if letters else ""),
        )
    return table


def _lines(told: Mapping[str, Any]) -> Iterable[str]:
    for name in ("parked", "delayed"):
        counts = told[name]
        if counts is None:
            yield f"{name}: only workers know, and none answers"
        else:
            each = ", ".join(f"{what} {count:,}" for what, count in counts.items() if count)
            yield f"{name}: {each or 'none'}"
    if told["provider"] is not None:
        budget = ", ".join(f"{scope} {left:.0%} left" for scope, left in told["budget"].items())
        circuit = f", circuit {safe(told['circuit'])}"
        yield f"model: {safe(told['provider'])}{circuit}; budget: {budget or 'none'}"


def _clocked(clocked: Iterable[Woken]) -> Table:
    table = Table("Name", "When", "Next", "Next in UTC", "Last slot", "Outcome", box=SIMPLE)
    table.columns[0].no_wrap = True
    for one in clocked:
        bad = one.poll is not None and one.poll["failures"]
        table.add_row(
            Text(one.source),
            Text(one.when),
            Text("" if one.next is None else one.next.isoformat(" ", "seconds")),
            Text("" if one.next is None else utc(one.next)),
            Text("none yet" if one.last is None else utc(one.last.slot)),
            Text(safe(one.outcome), _BAD if bad else ""),
        )
    return table


def _style(status: str) -> str:
    return _STYLES.get(status, _BAD)


def _number(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _span(seconds: float) -> str:
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
