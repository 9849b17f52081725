"""The chart: `python -m benchmarks.chart FILE.png < figures.json`, with the peers' Python."""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # there may be no display

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

OURS = "streamagents"
OUR_COLOUR, PEER_COLOUR, INK = "#1f6feb", "#b6bec9", "#24292f"
LEGEND = (
    "bar: median, whisker: slowest and fastest round. Ours counts an event when its mark is "
    "durable, Quix Streams when it is handled, before its checkpoint"
)
WIDTH_IN, HEIGHT_IN, DOTS_PER_INCH = 10.0, 4.8, 150


def main() -> None:
    """Draw what was measured of both: no-op rates, and shares of slow handlers."""
    found = json.load(sys.stdin)
    figures = found["figures"]
    rates = [f for f in figures if f["scenario"] == "noop" and f["unit"] == "events/s"]
    shares = [f for f in figures if f["scenario"] == "slow"]
    panels = [
        panel
        for panel in (
            ("Handlers that do nothing, every id once", "events per second", rates),
            ("Handlers that take 0.5 s", "share of the ideal time, %", shares),
        )
        if panel[2]
    ]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained", squeeze=False
    )
    for axis, panel in zip(axes[0], panels, strict=True):
        _bars(axis, *panel)
    figure.supxlabel(f"{LEGEND}\n{found['machine']}", fontsize=7, color=INK)
    figure.savefig(sys.argv[1], dpi=DOTS_PER_INCH)


def _bars(axis: Any, title: str, unit: str, figures: list[dict[str, Any]]) -> None:
    """One bar a figure, from top to bottom as measured."""
    labels = [_label(figure["name"]) for figure in figures]
    values = [figure["value"] for figure in figures]
    whiskers = [
        [figure["value"] - min(figure["rounds"]) for figure in figures],
        [max(figure["rounds"]) - figure["value"] for figure in figures],
    ]
    colours = [OUR_COLOUR if OURS in label else PEER_COLOUR for label in labels]
    axis.barh(labels, values, xerr=whiskers, color=colours, ecolor=INK, capsize=3, height=0.65)
    axis.invert_yaxis()
    longest = max(max(figure["rounds"]) for figure in figures)
    for row, figure in enumerate(figures):
        axis.text(
            max(figure["rounds"]) + longest * 0.02,
            row,
            f"{figure['value']:,.0f}" if figure["unit"] != "%" else f"{figure['value']:.1f}",
            va="center",
            fontsize=8,
            color=INK,
        )
    axis.set_xlim(0, longest * 1.18)
    axis.set_title(title, fontsize=10, loc="left", color=INK)
    axis.set_xlabel(unit, fontsize=8, color=INK)
    axis.tick_params(labelsize=8, colors=INK)
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.spines[["top", "right"]].set_visible(False)


def _label(name: str) -> str:
    """`no-op, 5,000 keys: ours` becomes two lines."""
    scenario, _, who = name.rpartition(": ")
    _, _, variant = scenario.partition(", ")
    return f"{who}\n{variant}" if variant else who


if __name__ == "__main__":
    main()
