"""What a query in PromQL asks for, and what of it there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from faust.sensors.prometheus import FaustMetrics

from streamagents.ops.events import Handled
from streamagents.ops.metrics import GatewayMetrics, WorkerMetrics
from streamagents.ops.view import SourceView, View

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_TARGETS: Final = {"job", "instance"}
"""Labels that Prometheus gives to every series."""
OF_PROMETHEUS: Final = {"up": set[str]()}
"""Series that it makes itself."""
_METRIC: Final = re.compile(r"\b((?:streamagents|process|faust)_\w+|up\b)\s*(?:\{(.*?)\})?")
_LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED: Final = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\((.*?)\)")
_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def selected(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of a query, with the labels that it is chosen by."""
    for name, inside in _METRIC.findall(expr):
        yield name, set(_LABEL.findall(inside or ""))


def grouped(expr: str) -> set[str]:
    """The labels that a query groups or joins by."""
    inside = _GROUPED.findall(expr)
    return {label.strip() for labels in inside for label in labels.split(",")} - {""}


def named(text: str) -> set[str]:
    """The labels that a legend names."""
    return set(_LEGEND.findall(text))


def exported() -> dict[str, set[str]]:
    """By sample, the labels of everything that a worker or a gateway shows."""
    handled = Handled(
        topics=(("new_lead", "LeadAgent"), ("streamagents.actions", "")),
        pairs=(("LeadAgent", "new_lead"), ("slack", "streamagents.actions")),
        actions="streamagents.actions",
    )
    view = View(
        at=0.0,
        sources=(SourceView(topic="new_lead", partition=0),),
        provider="anthropic",
        budget={"all": 1.0},
        letters={"new_lead": (1, 1.0)},
    )
    worker = WorkerMetrics(
        handled, model="m", view=lambda: view, monitors=["feed"], schedules=["daily"]
    )
    FaustMetrics.create(worker.registry, "faust")
    labels: dict[str, set[str]] = {}
    for registry in (worker.registry, GatewayMetrics(["events"]).registry):
        for family in registry.collect():
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
    return labels
