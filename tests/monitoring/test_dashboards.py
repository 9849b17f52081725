"""The dashboards: each panel asks a question, and only for what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import BOARDS
from dashboards.drawing import drawn
from support.commands import CHECKOUT
from support.promql import OF_TARGETS, exported, grouped, named, selected

FOLDER = CHECKOUT / "monitoring/grafana"
FILES = sorted(FOLDER.glob("*.json"))
MADE = {path.stem: json.loads(path.read_text()) for path in FILES}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, made in MADE.items()
    for panel in made["panels"]
    if panel["type"] != "row"
]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_file_is_what_make_dashboards_writes(board: Any) -> None:
    written = (FOLDER / f"{board.name}.json").read_text()
    assert written == drawn(board), "run `make dashboards`, and commit what it wrote"


def test_every_file_is_a_dashboard_of_ours() -> None:
    assert set(MADE) == {board.name for board in BOARDS}
    assert set(MADE) == {"overview", "agents", "llm", "letters", "runtime"}
    assert len({made["uid"] for made in MADE.values()}) == len(MADE)


@pytest.mark.parametrize("name", MADE)
def test_the_sdk_reads_its_own_words_back(name: str) -> None:
    read = Dashboard.from_json(MADE[name])
    assert json.loads(JSONEncoder(sort_keys=True).encode(read)) == MADE[name]


def test_grafana_is_told_where_the_data_and_the_dashboards_are() -> None:
    told = FOLDER / "provisioning"
    (source,) = yaml.safe_load((told / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((told / "dashboards/streamagents.yml").read_text())["providers"]
    scraped = yaml.safe_load((FOLDER.parent / "prometheus.yml").read_text())
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    assert provider["type"] == "file"


@pytest.mark.parametrize("name", MADE)
def test_a_dashboard_lets_its_data_and_its_jobs_be_chosen(name: str) -> None:
    source, jobs, *_ = MADE[name]["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert (jobs["name"], jobs["multi"], jobs["includeAll"]) == ("job", True, True)
    assert MADE[name]["links"][0]["tags"] == MADE[name]["tags"] == ["streamagents"]


@pytest.mark.parametrize("name", MADE)
def test_panels_fill_the_grid_and_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in MADE[name]["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    height = max(y for _, y in taken) + 1
    assert len(taken) == 24 * height  # no holes


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_a_question_and_says_what_a_good_answer_is(panel: dict[str, Any]) -> None:
    assert panel["title"].endswith("?")
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"]
        assert panel["options"]["tooltip"]["mode"] == "multi"


@pytest.mark.parametrize("panel", PANELS)
def test_every_metric_and_label_of_a_panel_exists(panel: dict[str, Any]) -> None:
    known = exported()
    for target in panel["targets"]:
        used = list(selected(target["expr"]))
        assert used, target["expr"]
        for metric, labels in used:
            assert metric in known, f"nothing shows {metric}"
            assert labels - {"job"} <= known[metric], f"{metric} has no label {labels}"
            assert "job" in labels, f"{metric} is asked of all jobs"
        there = OF_TARGETS.union(*(known[metric] for metric, _ in used))
        assert grouped(target["expr"]) | named(target["legendFormat"]) <= there


@pytest.mark.parametrize("panel", PANELS)
def test_a_legend_names_what_its_series_differ_by(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        expr = target["expr"]
        assert target["legendFormat"]
        if " by (" in expr and " / " not in expr:
            outer = expr[expr.index(" by (") + 5 :].partition(")")[0]
            kept = {label.strip() for label in outer.split(",")} - {"le"}
            inner = expr.lstrip("(").startswith("sum(")
            assert named(target["legendFormat"]) == (set() if inner else kept), expr


@pytest.mark.parametrize("panel", PANELS)
def test_a_rate_is_taken_over_the_window_that_grafana_computes(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        expr = target["expr"]
        assert "rate(" not in expr or "[$__rate_interval]" in expr
        assert "increase(" not in expr or "[$__range]" in expr
        assert target.get("instant", False) == (panel["type"] == "bargauge")
