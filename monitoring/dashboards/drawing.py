"""Draws a board in Grafana's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as models

from dashboards.board import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboards.board import Board, Panel, Query

Builder: TypeAlias = "timeseries.Panel | stat.Panel | bargauge.Panel"

TAG: Final = "streamagents"
_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_METRIC: Final = re.compile(r"\b((?:streamagents|process|faust)_\w+)(\{)?")
_LINE_HEIGHT, _NUMBER_HEIGHT = 8, 4


def drawn(board: Board) -> str:
    """The dashboard's JSON, as Grafana imports it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"streamagents-{board.name}")
        .description(board.about)
        .tags([TAG])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_siblings())
        .with_variable(dashboard.DatasourceVariable("datasource").label("data").type("prometheus"))
        .with_variable(_choice("job", "streamagents_build_info"))
    )
    for choice in board.choices:
        made.with_variable(_choice(choice.name, of_jobs(choice.metric)))
    for row in board.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(_panel(panel))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(_numbered(made.build()))}\n"


def of_jobs(expr: str) -> str:
    """The query, about the processes that were chosen on top of the dashboard."""

    def narrowed(found: re.Match[str]) -> str:
        return f'{found[1]}{{job=~"$job"{"," if found[2] else "}"}'

    return _METRIC.sub(narrowed, expr)


def _panel(panel: Panel) -> Builder:
    made = _SHAPES[panel.shape](panel)
    made.title(panel.question).description(panel.why).datasource(_SOURCE)
    made.unit(panel.unit).no_value(panel.empty).span(panel.width).min(0)
    if panel.top is not None:
        made.max(panel.top)
    steps = [models.Threshold(value=None, color=panel.base)]
    steps += [models.Threshold(value=value, color=colour) for value, colour in panel.limits]
    made.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    for number, query in enumerate(panel.queries):
        made.with_target(_target(query, chr(ord("A") + number), panel.shape))
    return made


def _target(query: Query, letter: str, shape: Shape) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(of_jobs(query.expr)).legend_format(query.legend)
    made.datasource(_SOURCE).ref_id(letter)
    return made.instant() if shape is Shape.BARS else made.range()


def _lines(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(words.LegendDisplayMode.TABLE)
        .placement(words.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI)
    tooltip.sort(words.SortOrder.DESCENDING)
    made = timeseries.Panel().height(_LINE_HEIGHT).legend(legend).tooltip(tooltip)
    made.show_points(words.VisibilityMode.NEVER).line_width(1).fill_opacity(10)
    if panel.limits:
        style = common.GraphThresholdsStyleConfig().mode(words.GraphThresholdsStyleMode.DASHED)
        made.thresholds_style(style)
    return made


def _stack(panel: Panel) -> timeseries.Panel:
    stacking = common.StackingConfig().group("A").mode(words.StackingMode.NORMAL)
    return _lines(panel).fill_opacity(40).stacking(stacking)


def _number(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .height(_NUMBER_HEIGHT)
        .reduce_options(_newest())
        .color_mode(words.BigValueColorMode.VALUE)
        .graph_mode(words.BigValueGraphMode.AREA)
        .text_mode(words.BigValueTextMode.AUTO)
    )


def _bars(_: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .height(_LINE_HEIGHT)
        .reduce_options(_newest())
        .orientation(words.VizOrientation.HORIZONTAL)
        .display_mode(words.BarGaugeDisplayMode.BASIC)
    )


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)


_SHAPES: Final[dict[Shape, Callable[[Panel], Builder]]] = {
    Shape.LINES: _lines,
    Shape.STACK: _stack,
    Shape.NUMBER: _number,
    Shape.BARS: _bars,
}


def _choice(name: str, metric: str) -> dashboard.QueryVariable:
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    return (
        dashboard.QueryVariable(name)
        .label(name)
        .datasource(_SOURCE)
        .query({"query": f"label_values({metric}, {name})", "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(everything)
    )


def _siblings() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("streamagents")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=False)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _numbered(made: models.Dashboard) -> models.Dashboard:
    """Links to a panel name its number."""
    for number, panel in enumerate(made.panels or (), 1):
        panel.id_val = number
    return made
