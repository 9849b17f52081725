"""The alerts: promtool reads them and their tests, and each one says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from support.commands import CHECKOUT
from support.prometheus import promtool
from support.promql import OF_PROMETHEUS, OF_TARGETS, exported, grouped, selected

FOLDER = CHECKOUT / "monitoring/rules"
FILE, TESTS = FOLDER / "streamagents.yml", sorted(FOLDER.glob("*_test.yml"))
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(FILE.read_text())["groups"]
    for rule in group["rules"]
}
ASKED_FOR = {
    "StreamagentsStuck",
    "StreamagentsStale",
    "StreamagentsLagGrows",
    "StreamagentsLettersArrive",
    "StreamagentsBudgetNearlySpent",
    "StreamagentsCircuitOpen",
    "StreamagentsMonitorFailing",
    "StreamagentsCrashLoop",
    "StreamagentsProcessDown",
    "StreamagentsGatewayRefuses",
    "StreamagentsCommitStalled",
}


def test_promtool_reads_the_rules_and_the_configuration() -> None:
    checked = promtool("check", "rules", FILE)
    assert checked.returncode == 0, checked.stderr
    checked = promtool("check", "config", CHECKOUT / "monitoring/prometheus.yml")
    assert checked.returncode == 0, checked.stderr


def test_the_tests_of_the_rules_pass() -> None:
    done = promtool("test", "rules", *TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    cases = [
        case
        for path in TESTS
        for group in yaml.safe_load(path.read_text())["tests"]
        for case in group["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(RULES)
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(RULES)
    assert set(RULES) >= ASKED_FOR


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_how_bad_it_is_and_what_to_do(name: str) -> None:
    rule = RULES[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert "for" in rule
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "runbook"}
    assert len(texts["summary"]) < 80
    assert len(texts["runbook"]) > 80


@pytest.mark.parametrize("name", RULES)
def test_every_metric_and_label_of_an_alert_exists(name: str) -> None:
    known = exported() | OF_PROMETHEUS
    rule = RULES[name]
    used = list(selected(rule["expr"]))
    assert used
    for metric, labels in used:
        assert metric in known, f"nothing shows {metric}"
        assert labels <= known[metric] | OF_TARGETS, f"{metric} has no label {labels}"
    there = OF_TARGETS.union(*(known[metric] for metric, _ in used))
    assert grouped(rule["expr"]) <= there
    told = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
    assert set(told) <= (grouped(rule["expr"]) or OF_TARGETS)


@pytest.mark.parametrize("name", RULES)
def test_a_command_or_a_setting_that_a_runbook_names_exists(name: str) -> None:
    readme = (CHECKOUT / "README.md").read_text()
    for setting in re.findall(r"STREAMAGENTS_[A-Z_]+[A-Z]", RULES[name]["annotations"]["runbook"]):
        assert setting in readme, f"the README knows no {setting}"
