"""A real Prometheus looks at a running installation: panels have data, and alerts are right."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING

import pytest
import yaml

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
    "StreamagentsBudgetNearlySpent",  # the askers' is
    "StreamagentsBudgetSpent",
}


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


def look(prometheus: Prometheus, largest: dict[str, float]) -> None:
    """Ask for what every panel shows, and keep the largest value that each has shown."""
    for name, target in TARGETS.items():
        for series in prometheus.query(as_grafana_asks(target["expr"])):
            assert named(target["legendFormat"]) <= series["metric"].keys(), name
            value = float(series["value"][1])
            if not math.isnan(value):
                largest[name] = max(largest.get(name, value), value)


def test_every_panel_has_data_and_every_alert_can_be_evaluated(prometheus: Prometheus) -> None:
    largest: dict[str, float] = {}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        look(prometheus, largest)
        zero = {name for name, value in largest.items() if value == 0}
        fires = {alert["alertname"] for alert in prometheus.firing()}
        if largest.keys() == TARGETS.keys() and zero <= AT_ZERO.keys() and fires >= RIGHTLY:
            break
    assert set(TARGETS) - set(largest) == set(), "no series"
    assert {name for name, value in largest.items() if value == 0} - AT_ZERO.keys() == set()
    rules = yaml.safe_load(RULES.read_text())["groups"]
    assert prometheus.rules() == {r["alert"]: "ok" for group in rules for r in group["rules"]}
    assert {alert["alertname"] for alert in prometheus.firing()} == RIGHTLY
    assert not [text for text in prometheus.texts() if "error expanding" in text or "<no v" in text]
