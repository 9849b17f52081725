"""What a dashboard is made of, before Grafana's own words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Colour = Literal["green", "yellow", "orange", "red"]


class Shape(Enum):
    """How a panel is drawn."""

    LINES = "lines"
    STACK = "stack"
    """Lines above each other: parts of a whole."""
    NUMBER = "number"
    """One large number for each series, the newest."""
    BARS = "bars"
    """One bar for each series, over the whole time that is shown."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query in PromQL, and what its series are called.

    Metrics stand without the label `job`: the dashboard's choice is put into every selector.
    """

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question and its answer."""

    question: str
    why: str
    """What a good answer looks like, and where to look if it is none."""
    unit: str
    queries: tuple[Query, ...]
    shape: Shape = Shape.LINES
    width: int = 8
    """Of 24."""
    limits: tuple[tuple[float, Colour], ...] = ()
    """From which value on it has which colour; below the first it is green."""
    base: Colour = "green"
    """The colour below the first limit."""
    top: float | None = None
    """The end of the scale, where there is one."""
    empty: str = "none"
    """What stands there where there is no series."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A list on top of the dashboard that narrows what is shown."""

    name: str
    metric: str
    """Whose label of this name has the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard: one file."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)
