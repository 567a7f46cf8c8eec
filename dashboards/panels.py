"""Words for panels: what a dashboard's outline is written in.

Every panel has a title, a description, a unit and its queries. `alerts` names the alerts that watch what it
shows; `may_be_empty` says why a healthy system may have nothing to show. Widths are in Grafana's 24 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.queries import Line, pick, quantile_lines, sum_rate

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED = "green", "yellow", "red"
STAT_WIDTH, STAT_HEIGHT = 4, 4
GRAPH_WIDTH, GRAPH_HEIGHT = 8, 8

Limits = Sequence[tuple[float, str]]
Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, heatmap.Panel, table.Panel, statetimeline.Panel)


def _describe(text: str, alerts: Sequence[str], may_be_empty: str) -> str:
    parts = [text]
    if may_be_empty:
        parts.append(f"May be empty: {may_be_empty}.")
    if alerts:
        parts.append(f"Watched by: {', '.join(alerts)} (docs/runbooks).")
    return "\n\n".join(parts)


def _dress(
    panel: Panel,
    title: str,
    description: str,
    unit: str,
    *,
    width: int,
    height: int,
    alerts: Sequence[str],
    may_be_empty: str,
) -> Panel:
    panel = panel.title(title).description(_describe(description, alerts, may_be_empty)).unit(unit)
    panel = panel.datasource(DATASOURCE).span(width).height(height)
    return panel.no_value(may_be_empty) if may_be_empty else panel


def _ask(line: Line, index: int) -> prometheus.Dataquery:
    ask = prometheus.Dataquery().expr(line.expr).ref_id(chr(ord("A") + index)).datasource(DATASOURCE)
    return ask.legend_format(line.legend)


def _steps(limits: Limits) -> dashboard.ThresholdsConfig:
    steps = [model.Threshold(value=None, color=GREEN)]
    steps += [model.Threshold(value=value, color=color) for value, color in limits]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def graph(
    title: str,
    description: str,
    lines: Sequence[Line],
    unit: str,
    *,
    limits: Limits = (),
    top: float | None = None,
    stacked: bool = False,
    width: int = GRAPH_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> timeseries.Panel:
    """Lines over time from zero; `limits` are drawn dashed, `top` fixes the axis's end."""
    panel = _dress(
        timeseries.Panel(),
        title,
        description,
        unit,
        width=width,
        height=GRAPH_HEIGHT,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )
    panel = panel.min(0).line_width(1).fill_opacity(0).show_points(shapes.VisibilityMode.NEVER)
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    legend = common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM)
    panel = panel.legend(legend.display_mode(shapes.LegendDisplayMode.LIST).calcs([]))
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(shapes.SortOrder.DESCENDING))
    if top is not None:
        panel = panel.axis_soft_max(top)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL)).fill_opacity(30)
    if limits:
        style = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(_steps(limits)).thresholds_style(style)
    for index, line in enumerate(lines):
        panel = panel.with_target(_ask(line, index))
    return panel


def rate(
    title: str,
    description: str,
    counter: str,
    by: str,
    *matchers: str,
    unit: str = "cps",
    stacked: bool = False,
    width: int = GRAPH_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> timeseries.Panel:
    """A counter per second, one line for each value of the labels in `by`."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    lines = [Line(sum_rate(counter, by, *matchers), legend)]
    return graph(
        title,
        description,
        lines,
        unit,
        stacked=stacked,
        width=width,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )


def saturation(
    title: str,
    description: str,
    lines: Sequence[Line],
    limits: Limits,
    *,
    width: int = GRAPH_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> timeseries.Panel:
    """How full something is, 0 to 100 %, with the lines that warn and page."""
    return graph(
        title,
        description,
        lines,
        "percentunit",
        limits=limits,
        top=1,
        width=width,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )


def quantiles(
    title: str,
    description: str,
    histogram: str,
    *matchers: str,
    unit: str = "s",
    width: int = GRAPH_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> timeseries.Panel:
    """Median, 90th and 99th percentile of a histogram over all chosen instances."""
    lines = quantile_lines(histogram, *matchers)
    return graph(title, description, lines, unit, width=width, alerts=alerts, may_be_empty=may_be_empty)


def heat_map(
    title: str,
    description: str,
    histogram: str,
    *matchers: str,
    unit: str = "s",
    width: int = GRAPH_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> heatmap.Panel:
    """How the values of a histogram are spread over time; each cell counts observations."""
    panel = _dress(
        heatmap.Panel(),
        title,
        description,
        unit,
        width=width,
        height=GRAPH_HEIGHT,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )
    color = heatmap.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    panel = panel.calculate(False).color(color).y_axis(heatmap.YAxisConfig().unit(unit)).show_legend()
    increase = f"sum by (le) (increase({pick(f'{histogram}_bucket', *matchers)}[$__rate_interval]))"
    return panel.with_target(_ask(Line(increase, "{{le}}"), 0).format(PromQueryFormat.HEATMAP))


def number(
    title: str,
    description: str,
    expr: str,
    unit: str,
    *,
    limits: Limits = (),
    width: int = STAT_WIDTH,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> stat.Panel:
    """One number, coloured by `limits`, with its course behind it: is it bad, and since when."""
    panel = _dress(
        stat.Panel(),
        title,
        description,
        unit,
        width=width,
        height=STAT_HEIGHT,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )
    panel = panel.thresholds(_steps(limits)).graph_mode(shapes.BigValueGraphMode.AREA)
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return panel.with_target(_ask(Line(expr, title), 0))


def states(
    title: str,
    description: str,
    line: Line,
    meanings: dict[str, tuple[str, str]],
    *,
    width: int = 12,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> statetimeline.Panel:
    """What state each series was in, over time; `meanings` maps a value to its text and colour."""
    panel = _dress(
        statetimeline.Panel(),
        title,
        description,
        "none",
        width=width,
        height=GRAPH_HEIGHT,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )
    results = {value: model.ValueMappingResult(text=text, color=color) for value, (text, color) in meanings.items()}
    panel = panel.mappings([model.ValueMap(options=results)]).show_value(shapes.VisibilityMode.NEVER)
    return panel.with_target(_ask(line, 0))


def listing(
    title: str,
    description: str,
    expr: str,
    columns: Sequence[str],
    *,
    unit: str = "none",
    with_value: bool = False,
    width: int = 12,
    alerts: Sequence[str] = (),
    may_be_empty: str = "",
) -> table.Panel:
    """The series of this moment as rows; `columns` are the labels to show, in that order."""
    panel = _dress(
        table.Panel(),
        title,
        description,
        unit,
        width=width,
        height=GRAPH_HEIGHT,
        alerts=alerts,
        may_be_empty=may_be_empty,
    )
    panel = panel.no_value("")  # it would fill the cells of labels that a row does not have
    shown = [*columns, "Value"] if with_value else list(columns)
    keep = model.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": shown}})
    order = model.DataTransformerConfig(
        id_val="organize", options={"indexByName": {name: place for place, name in enumerate(shown)}}
    )
    ask = _ask(Line(expr, ""), 0).instant().format(PromQueryFormat.TABLE)
    return panel.with_transformation(keep).with_transformation(order).with_target(ask)
