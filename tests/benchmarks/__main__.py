"""`python -m benchmarks`: the figures of this machine as a table, or as JSON."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.figures import EVENTS, KEYS, Figure, deduplication, memory, slow_agents
from benchmarks.stage import Stage
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

WIDTH = 160


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its retries are no news here
    # Kept when something fails: the error names the log in it.
    folder = Path(tempfile.mkdtemp(prefix="streamagents-bench-"))
    figures = _measure(folder, set(arguments.only))
    machine = describe_machine()
    if arguments.json:
        rows = [asdict(figure) for figure in figures]
        sys.stdout.write(json.dumps({"machine": machine, "figures": rows}) + "\n")
    else:
        _show(figures, machine)
    shutil.rmtree(folder)


def _measure(folder: Path, only: set[str]) -> list[Figure]:
    figures: list[Figure] = []
    if only & {"slow", "dedupe"}:
        with EmbeddedBroker(folder / "broker", free_port()) as broker:
            stage = Stage(folder, broker)
            stage.fill(events=EVENTS, keys=KEYS)
            if "slow" in only:
                figures += slow_agents(stage)
            if "dedupe" in only:
                figures += deduplication(stage)
    if "memory" in only:
        figures += memory(folder / "demo")
    return figures


def _show(figures: list[Figure], machine: str) -> None:
    table = Table(title=machine, title_justify="left")
    for column in ("figure", "value", "target", "how"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for figure in figures:
        value = f"{figure.value:,.1f} {figure.unit}".strip()
        table.add_row(figure.name, value, figure.target, f"{figure.detail}\n$ {figure.command}")
    console = Console()
    if not console.is_terminal:  # a log has no width of its own
        console = Console(width=WIDTH)
    console.print(table)


def describe_machine() -> str:
    """The machine and what it does beside: no figure means anything without."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {memory_gib:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} at the end"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=("slow", "dedupe", "memory"),
        default=("slow", "dedupe", "memory"),
        help="measure only these",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
