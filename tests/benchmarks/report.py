"""Figures for a person: a table, and what machine they belong to."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from benchmarks.figures import Figure

WIDTH = 160


def show(figures: list[Figure], machine: str) -> None:
    """Print the table."""
    table = Table(title=machine, title_justify="left", show_lines=True)
    for column in ("figure", "value", "target", "how"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for figure in figures:
        how = f"{figure.detail}; load {figure.load:.1f}\n$ {figure.command}"
        table.add_row(figure.name, figure.text, figure.target, how)
    console = Console()
    if not console.is_terminal:  # a log has no width of its own
        console = Console(width=WIDTH)
    console.print(table)


def describe_machine(loads: list[float]) -> str:
    """The machine and what it did beside: no figure means anything without."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {memory_gib:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load {loads[0]:.1f} before, {loads[-1]:.1f} at the end"
    )
