"""A real Prometheus looks at a running installation: panels have data, and alerts are right."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support import wait_until
from support.commands import CHECKOUT
from support.promql import named
from support.watched import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.devkit.broker import EmbeddedBroker
    from support.prometheus import Prometheus

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

MONITORING = CHECKOUT / "monitoring"
RULES = MONITORING / "rules/streamagents.yml"
TARGETS = {
    f"{path.stem}: {panel['title']} {target['refId']}": target
    for path in sorted((MONITORING / "grafana").glob("*.json"))
    for panel in json.loads(path.read_text())["panels"]
    for target in panel.get("targets", ())
}
CHOSEN = {"$job": ".*", "$agent": ".*", "$topic": ".*", "$__rate_interval": "10s", "$__range": "2m"}
AT_ZERO = {
    "agents: Why do steps run again? A": "no step of the demo has changed",
    "agents: Do effects pile up? A": "they are delivered at once, mostly before anybody looks",
    "agents: Who waits for a person's word? A": "no agent of the demo asks",
    "agents: Which effects may have happened twice, or never? A": "no worker dies while it sends",
    "letters: Do replayed letters come home? A": "nobody replays",
    "runtime: Was anything lost or mixed up? B": "nothing is deleted unread",
    "runtime: Do workers die? A": "nobody kills one",
    "runtime: Do workers die? B": "nobody starts one again",
}
"""What is there, and is nothing here, and why."""
RIGHTLY = {
    "StreamagentsLettersArrive",  # the demo has an event that always fails
    "StreamagentsBudgetSpent",  # the askers' is
}
ON_THE_WAY = {"StreamagentsBudgetNearlySpent"}


SHOWN_S = 120.0


@pytest.fixture(scope="module")
def prometheus(
    broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    with watched(broker.address, tmp_path_factory.mktemp("watched"), RULES) as running:
        yield running


def as_grafana_asks(expr: str) -> str:
    for name, value in CHOSEN.items():
        expr = expr.replace(name, value)
    return expr


def shown(prometheus: Prometheus, target: dict[str, Any]) -> list[dict[str, Any]]:
    """What Grafana draws: series over the last minutes, or for bars the newest value."""
    expr = as_grafana_asks(target["expr"])
    if not target.get("instant"):
        return prometheus.history(expr, SHOWN_S)
    return [{**series, "values": [series["value"]]} for series in prometheus.query(expr)]


def largest(prometheus: Prometheus) -> dict[str, float]:
    """By panel, the largest value that it shows; those that show none are left out."""
    found: dict[str, float] = {}
    for name, target in TARGETS.items():
        for series in shown(prometheus, target):
            assert named(target["legendFormat"]) <= series["metric"].keys(), name
            values = [float(value) for _, value in series["values"]]
            numbers = [value for value in values if not math.isnan(value)]
            if numbers:
                found[name] = max(found.get(name, -math.inf), *numbers)
    return found


def test_every_panel_has_data_and_every_alert_can_be_evaluated(prometheus: Prometheus) -> None:
    def fires() -> set[str]:
        return {alert["alertname"] for alert in prometheus.firing()}

    def complete() -> bool:
        values = largest(prometheus)
        zero = {name for name, value in values.items() if value == 0}
        return values.keys() == TARGETS.keys() and zero <= AT_ZERO.keys() and fires() >= RIGHTLY

    with suppress(AssertionError):  # which panel lacks what, is said below
        wait_until(complete, 100)
    values = largest(prometheus)
    assert TARGETS.keys() - values.keys() == set(), "no series"
    assert {name for name, value in values.items() if value == 0} - AT_ZERO.keys() == set()
    rules = yaml.safe_load(RULES.read_text())["groups"]
    assert prometheus.rules() == {r["alert"]: "ok" for group in rules for r in group["rules"]}
    assert RIGHTLY <= fires() <= RIGHTLY | ON_THE_WAY
    assert not [text for text in prometheus.texts() if "error expanding" in text or "<no v" in text]
