"""The view: one calm screen for people, plain lines for pipes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from streamagents.devkit.demo.story import Line, Story
    from streamagents.devkit.demo.summary import Counts, Summary

_LOOKS = {
    "processed": ("✓", "green"),
    "duplicate": ("=", "cyan"),
    "retried": ("↻", "yellow"),
    "dead": ("✗", "red"),
}
_SEGMENTS = (("processed", "green"), ("duplicates", "cyan"), ("dead_lettered", "red"))
_COLUMNS = ("produced", "processed", "duplicates", "retried", "dead_lettered", "lost")
_HEADS = ("Sent", "Processed", "Duplicates", "Retried", "Dead", "Waiting")
_LINES = 12
_LEAST_LINES = 3
_MARGINS = 3
"""Rows above, below, and for the cursor."""
_NAME = 20
_PLAIN_WIDTH = 120
_ROOMY = 100
"""Columns from which on the agents are named, and every happening its topic."""
_SETTLED_S = 0.3
"""A line is printed when its event's results, which come one after the other, are complete."""


@dataclass(kw_only=True)
class Frame:
    """All that is shown at one moment."""

    title: str
    agents: Mapping[str, str]
    """By consumed topic, in the order of the table: its agent."""
    summary: Summary
    story: Story
    note: list[str] = field(default_factory=list)
    busy: str = ""
    """What is being waited for."""


class Screen:
    """A live view on a terminal; elsewhere plain lines without escape codes."""

    def __init__(self, *, stderr: bool) -> None:
        stream = sys.stderr if stderr else sys.stdout
        self.live = stream.isatty()
        self.console = Console(
            file=stream,
            force_terminal=self.live,
            no_color=None if self.live else True,
            width=None if self.live else _PLAIN_WIDTH,
            highlight=False,
            soft_wrap=False,
        )
        self.live = self.live and not self.console.is_dumb_terminal
        self._live: Live | None = None
        self._spinner = Spinner("dots", style="cyan")

    def phase(self, sentence: str) -> None:
        """Say what is being done now."""
        if self.live:
            self._spinner.update(text=sentence)
            self._show(Padding(self._spinner, (1, 2)))
        else:
            self.console.print(sentence, markup=False)

    def show(self, frame: Frame) -> None:
        """Show a moment."""
        if self.live:
            self._show(self._draw(frame))
        else:
            for line in frame.story.untold(_SETTLED_S):
                self._print(line)

    def close(self) -> None:
        """Take the live view off the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def conclude(self, frame: Frame) -> None:
        """Show the result, to stay."""
        self.close()
        if not self.live:
            for line in frame.story.untold():
                self._print(line)
        result = Group(
            Text(),
            _totals(frame.summary, last=True),
            Text(),
            _table(frame, roomy=self._roomy, last=True),
            Text(),
            *(Text(note) for note in frame.note),
        )
        with self.console.capture() as drawn:
            self.console.print(Padding(result, (0, 2)))
        for row in drawn.get().splitlines():
            # Rich fills every row with spaces, which nobody wants in a file.
            self.console.out(row if self.live else row.rstrip(), highlight=False)

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self.close()
        self.console.print(sentence, markup=False)

    def _show(self, renderable: RenderableType) -> None:
        if self._live is None:
            self._live = Live(
                console=self.console,
                transient=True,
                refresh_per_second=8,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(renderable)

    def _draw(self, frame: Frame) -> RenderableType:
        title = Text.assemble(("streamagents", "bold"), "  ", (frame.title, "dim"))
        bar = _bar(frame.summary.total, self.console.width - 4)
        head: list[RenderableType] = [title, Text(), _totals(frame.summary), bar, Text()]
        foot: list[RenderableType] = [Text()]
        if frame.busy:
            self._spinner.update(text=Text(frame.busy, style="dim"))
            foot.append(self._spinner)
        foot += [Text(note, overflow="fold") for note in frame.note]
        table: list[RenderableType] = [_table(frame, roomy=self._roomy), Text()]
        left = self.console.height - _MARGINS - self._rows(*head, *foot)
        if left - self._rows(*table) >= _LEAST_LINES:
            head, left = [*head, *table], left - self._rows(*table)
        # On a low screen what happens is worth more: the table is shown at the end.
        room = max(_LEAST_LINES, min(_LINES, left))
        story = _happenings(frame.story.last(room), room, roomy=self._roomy)
        return Padding(Group(*head, story, *foot), (1, 2))

    def _rows(self, *parts: RenderableType) -> int:
        """How many rows of the screen these take."""
        options = self.console.options.update(width=max(1, self.console.width - 4))
        return len(self.console.render_lines(Group(*parts), options, pad=False))

    @property
    def _roomy(self) -> bool:
        return self.console.width >= _ROOMY

    def _print(self, line: Line) -> None:
        sign = _LOOKS[line.kind][0]
        self.console.print(
            f"{line.clock} {sign} {line.topic:<{_NAME}} {line.name:<{_NAME}} {line.text}",
            markup=False,
            soft_wrap=True,
        )


def _totals(summary: Summary, *, last: bool = False) -> Text:
    total = summary.total
    rest = ("lost" if last else "waiting", "bold red" if last else "bold")
    figures: Sequence[tuple[int, str, str]] = (
        (total.produced, "sent", "bold"),
        (total.processed, "processed", "bold green"),
        (total.duplicates, "duplicates", "bold cyan"),
        (total.retried, "retried", "bold yellow"),
        (total.dead_lettered, "dead letters", "bold red"),
        (total.lost, *rest),
    )
    text = Text()
    for number, word, style in figures:
        text.append(str(number), style=style if number else "dim")
        text.append(f" {word}  ", style="" if number else "dim")
    return text


def _bar(total: Counts, width: int) -> Text:
    text, used = Text(), 0
    for name, style in _SEGMENTS:
        share = getattr(total, name) * width // max(1, total.produced)
        text.append("━" * share, style=style)
        used += share
    rest_is_open = total.lost or not total.produced
    text.append("━" * (width - used), style="grey30" if rest_is_open else _SEGMENTS[-1][1])
    return text


def _table(frame: Frame, *, roomy: bool, last: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Topic", no_wrap=True)
    if roomy:
        table.add_column("Agent", no_wrap=True, style="dim")
    for head in _HEADS:
        table.add_column("Lost" if last and head == "Waiting" else head, justify="right")
    for topic, agent in frame.agents.items():
        counts = frame.summary.topics.get(topic)
        table.add_row(topic, *([agent] if roomy else []), *_cells(counts))
    if last:
        table.add_section()
        for topic, counts in frame.summary.topics.items():
            if topic not in frame.agents:
                table.add_row(topic, *(["emitted"] if roomy else []), _cell(counts.produced, ""))
    return table


def _cells(counts: Counts | None) -> list[Text]:
    styles: dict[str, str] = {**dict(_SEGMENTS), "retried": "yellow", "lost": "bold"}
    return [
        _cell(getattr(counts, name) if counts else 0, styles.get(name, "")) for name in _COLUMNS
    ]


def _cell(number: int, style: str) -> Text:
    return Text(str(number) if number else "·", style=style if number else "dim")


def _happenings(lines: Sequence[Line], room: int, *, roomy: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, expand=True)
    cells: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}
    table.add_column(style="dim", **cells)
    table.add_column(width=1, **cells)
    if roomy:
        table.add_column(max_width=_NAME, **cells)
    table.add_column(max_width=_NAME, **cells)
    table.add_column(ratio=1, **cells)
    for line in lines:
        sign, style = _LOOKS[line.kind]
        body = Text(line.text, style="" if line.kind != "dead" else style)
        name = Text(line.name, style="" if line.own else "dim")
        topic = [Text(line.topic)] if roomy else []
        table.add_row(line.clock, Text(sign, style=style), *topic, name, body)
    for _ in range(room - len(lines)):
        table.add_row("")  # the screen keeps its height: nothing jumps
    return table
