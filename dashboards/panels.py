"""Words for panels: what a dashboard's outline is written in.

Every panel has a title, a description, a unit and its queries; what else it may have: `dashboards.dress.Extras`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from grafana_foundation_sdk.builders import common, dashboard, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.dress import (
    CHANNELS,
    DAYS,
    GREEN,
    GREY,
    HOURS,
    MINUTES,
    RED,
    YELLOW,
    Extras,
    Limits,
    ask,
    dress,
    fix_color,
    legend,
    legend_of_many,
    runbook_of,
    steps,
    tooltip,
)
from dashboards.queries import Line, pick, quantile_lines, sum_rate

__all__ = [
    "GREEN",
    "GREY",
    "RED",
    "YELLOW",
    "graph",
    "heat_map",
    "heat_of",
    "heat_recorded",
    "listing",
    "number",
    "quantiles",
    "rate",
    "saturation",
    "states",
]
STAT_WIDTH, STAT_HEIGHT = 4, 4
GRAPH_WIDTH, GRAPH_HEIGHT = 8, 8
WIDE = 12
# What an axis shows at least, by unit: around nothing but zeros a graph invents one, up to 100 or 10,000 %.
LEAST = {
    "percentunit": 0.01,
    "cps": 0.1,
    "reqps": 0.1,
    "short": 1,
    "none": 1,
    "s": 0.01,
    MINUTES: 1,
    HOURS: 0.1,
    DAYS: 1,
}
# Of a graph of many lines, however wide the window. Each point costs Prometheus a step of every line.
POINTS_OF_MANY = 300
# Pixels of a column whose names are long.
WIDTHS = {"alertname": 230, "severity": 80, "alertstate": 90, "job": 150}
AGO_WIDTH = 125  # of "a few seconds ago"
# Pixels that a column has at least: where the panel is narrower, it is moved sideways.
LEAST_WIDTHS = {"what": 200}


def graph(
    title: str,
    description: str,
    lines: Sequence[Line],
    unit: str,
    *,
    limits: Limits = (),
    top: float | None = None,
    stacked: bool = False,
    **extras: Unpack[Extras],
) -> timeseries.Panel:
    """Lines over time from zero; `limits` are drawn dashed, `top` fixes the axis's end."""
    panel = dress(timeseries.Panel(), title, description, unit, extras, size=(GRAPH_WIDTH, GRAPH_HEIGHT))
    panel = panel.min(0).line_width(1).fill_opacity(0).show_points(shapes.VisibilityMode.NEVER)
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    panel = panel.legend(legend_of_many() if extras.get("many") else legend()).tooltip(tooltip())
    if extras.get("many"):
        panel = panel.max_data_points(POINTS_OF_MANY)
    if (least := LEAST.get(unit, 0) if top is None else top) > 0:
        panel = panel.axis_soft_max(least)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL)).fill_opacity(30)
    if limits:
        style = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(steps(limits)).thresholds_style(style)
    for index, line in enumerate(lines):
        panel = panel.with_target(ask(line, index))
        if line.legend == "{{channel}}":
            for channel, color in CHANNELS.items():
                panel = panel.override_by_name(channel, [fix_color(color)])
        if line.dashed:
            dashes = model.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]})
            panel = panel.override_by_name(line.legend, [fix_color(line.dashed), dashes])
    return panel


def rate(
    title: str,
    description: str,
    counter: str,
    by: str,
    *matchers: str,
    unit: str = "cps",
    stacked: bool = False,
    **extras: Unpack[Extras],
) -> timeseries.Panel:
    """A counter per second, one line for each value of the labels in `by`."""
    named = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    lines = [Line(sum_rate(counter, by, *matchers), named)]
    return graph(title, description, lines, unit, stacked=stacked, **extras)


def saturation(
    title: str, description: str, lines: Sequence[Line], limits: Limits, **extras: Unpack[Extras]
) -> timeseries.Panel:
    """How full something is, 0 to 100 %, with the lines that warn and page."""
    return graph(title, description, lines, "percentunit", limits=limits, top=1, **extras)


def quantiles(
    title: str, description: str, histogram: str, *matchers: str, unit: str = "s", **extras: Unpack[Extras]
) -> timeseries.Panel:
    """Median, 90th and 99th percentile of a histogram over all chosen instances."""
    return graph(title, description, quantile_lines(histogram, *matchers), unit, **extras)


def heat_map(
    title: str, description: str, histogram: str, *matchers: str, unit: str = "s", **extras: Unpack[Extras]
) -> heatmap.Panel:
    """How the values of a histogram are spread over time; each cell counts observations."""
    increase = f"sum by (le) (increase({pick(f'{histogram}_bucket', *matchers)}[$__rate_interval]))"
    return _heat_buckets(title, description, increase, unit, extras)


def heat_recorded(
    title: str, description: str, buckets: str, *, unit: str = "s", **extras: Unpack[Extras]
) -> heatmap.Panel:
    """The same of `buckets`, an expression of recorded rates by `le`; each cell is observations per second."""
    return _heat_buckets(title, description, buckets, unit, extras)


def _heat_buckets(title: str, description: str, buckets: str, unit: str, extras: Extras) -> heatmap.Panel:
    panel = dress(heatmap.Panel(), title, description, unit, extras, size=(GRAPH_WIDTH, GRAPH_HEIGHT))
    color = heatmap.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    panel = panel.calculate(False).color(color).y_axis(heatmap.YAxisConfig().unit(unit)).show_legend()
    return panel.with_target(ask(Line(buckets, "{{le}}"), 0).format(PromQueryFormat.HEATMAP))


def heat_of(
    title: str, description: str, line: Line, unit: str, top: float, **extras: Unpack[Extras]
) -> statetimeline.Panel:
    """A row for each series, from green at 0 to red at `top`: which of many, since when. Lines would lie on each other.

    Round the values: neighbours of one value are one stretch. Not Grafana's heat map, which is for buckets.
    """
    panel = dress(statetimeline.Panel(), title, description, unit, extras, size=(WIDE, GRAPH_HEIGHT))
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.CONTINUOUS_GR_YL_RD))
    panel = panel.min(0).max(top).show_value(shapes.VisibilityMode.NEVER)
    return panel.legend(legend().show_legend(False)).with_target(ask(line, 0))


def number(
    title: str, description: str, expr: str, unit: str, *, limits: Limits = (), **extras: Unpack[Extras]
) -> stat.Panel:
    """One number, coloured by `limits`, with its course behind it: is it bad, and since when.

    What is counted over the time shown (`$__range`) has no course, and is asked once, not at every step of it.
    """
    panel = dress(stat.Panel(), title, description, unit, extras, size=(STAT_WIDTH, STAT_HEIGHT))
    is_whole = "$__range" in expr
    mode = shapes.BigValueGraphMode.NONE if is_whole else shapes.BigValueGraphMode.AREA
    panel = panel.thresholds(steps(limits)).graph_mode(mode)
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    query = ask(Line(expr, title), 0)
    return panel.with_target(query.instant() if is_whole else query)


def states(
    title: str, description: str, line: Line, meanings: Mapping[str, tuple[str, str]], **extras: Unpack[Extras]
) -> statetimeline.Panel:
    """What state each series was in, over time; `meanings` maps a value to its text and colour."""
    panel = dress(statetimeline.Panel(), title, description, "none", extras, size=(WIDE, GRAPH_HEIGHT))
    results = {value: model.ValueMappingResult(text=text, color=color) for value, (text, color) in meanings.items()}
    panel = panel.mappings([model.ValueMap(options=results)]).show_value(shapes.VisibilityMode.NEVER)
    return panel.with_target(ask(line, 0))


def listing(
    title: str,
    description: str,
    expr: str,
    columns: Sequence[str],
    *,
    unit: str = "none",
    value: str = "",
    **extras: Unpack[Extras],
) -> table.Panel:
    """The series of this moment as rows; `columns` are the labels to show, in that order.

    `value` is the heading of the series' values, in `unit`; without it they are not shown. They stand where "Value" is
    among the columns, else last.
    """
    panel = dress(table.Panel(), title, description, "none", extras, size=(WIDE, GRAPH_HEIGHT))
    panel = panel.no_value("")  # it would fill the cells of labels that a row does not have
    shown = [*columns, "Value"] if value and "Value" not in columns else list(columns)
    keep = model.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": shown}})
    order = model.DataTransformerConfig(
        id_val="organize",
        options={
            "indexByName": {name: place for place, name in enumerate(shown)},
            "renameByName": {"Value": value} if value else {},
        },
    )
    if value:
        # Not of the whole panel: a unit of times makes NaN of a text.
        shape = [model.DynamicConfigValue(id_val="unit", value=unit)]
        if unit == "dateTimeFromNow":
            shape.append(model.DynamicConfigValue(id_val="custom.width", value=AGO_WIDTH))
        panel = panel.override_by_name(value, shape)
    if "alertname" in columns:
        link = {"title": "Runbook", "url": runbook_of("${__value.text}")}
        panel = panel.override_by_name("alertname", [model.DynamicConfigValue(id_val="links", value=[link])])
    for name in [one for one in columns if one in WIDTHS]:
        panel = panel.override_by_name(name, [model.DynamicConfigValue(id_val="custom.width", value=WIDTHS[name])])
    for name in [one for one in columns if one in LEAST_WIDTHS]:
        least = model.DynamicConfigValue(id_val="custom.minWidth", value=LEAST_WIDTHS[name])
        panel = panel.override_by_name(name, [least])
    query = ask(Line(expr, ""), 0).instant().format(PromQueryFormat.TABLE)
    return panel.with_transformation(keep).with_transformation(order).with_target(query)
