"""What every panel has, whatever it draws: title, description, unit, links, queries, lines that warn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, TypeVar

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
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

from dashboards.queries import Line
from rules.limits import limit

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED, GREY = "green", "yellow", "red", "#6e7178"
# A channel has the same colour in every graph, whichever of them have anything to show. "unknown": to no channel.
CHANNELS = {"amazon": "orange", "shopify": "green", "standard": "blue", "woocommerce": "purple", "unknown": GREY}
# Where this repository can be read, with the slash at the end: a constant of each dashboard, empty as shipped.
RUNBOOK_BASE = "runbook_base"
EMPTY = "May be empty: "
WATCHED = "Watched by: "

# For spans that last: of seconds an axis makes 5.56 hours and 1.32 weeks.
MINUTES, HOURS, DAYS = "suffix:min", "suffix:h", "suffix:d"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
# A number, or the name of a threshold of prometheus/settings.yml; and the colour from there on.
Limits = Sequence[tuple[float | str, str]]
Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, heatmap.Panel, table.Panel, statetimeline.Panel)


class Extras(TypedDict, total=False):
    """What any panel may have. `alerts` watch what it shows; `may_be_empty` says why a healthy system may show nothing.

    `without` is said in its place where a healthy system has something to show. `leads_to` is the uid of the dashboard
    with the detail; `width` counts Grafana's 24 columns. `many`: more lines than names fit below a graph.
    """

    width: int
    many: bool
    alerts: Sequence[str]
    may_be_empty: str
    without: str
    leads_to: str


def dress(panel: Panel, title: str, description: str, unit: str, extras: Extras, *, size: tuple[int, int]) -> Panel:
    """`size` is the width, unless `extras` has one, and the height."""
    width, height = size
    alerts, may_be_empty = extras.get("alerts", ()), extras.get("may_be_empty", "")
    panel = panel.title(title).description(_describe(description, alerts, may_be_empty)).unit(unit)
    panel = panel.datasource(DATASOURCE).span(extras.get("width", width)).height(height)
    panel = panel.links(_links(alerts, extras.get("leads_to", "")))
    instead = may_be_empty or extras.get("without", "")
    return panel.no_value(instead) if instead else panel


def _describe(text: str, alerts: Sequence[str], may_be_empty: str) -> str:
    parts = [text]
    if may_be_empty:
        parts.append(f"{EMPTY}{may_be_empty}.")
    if alerts:
        parts.append(f"{WATCHED}{', '.join(alerts)} (docs/runbooks).")
    return "\n\n".join(parts)


def _links(alerts: Sequence[str], leads_to: str) -> list[Builder[model.DashboardLink]]:
    leads = (
        [(f"Detail: {leads_to.removeprefix('palmonas-')}", f"/d/{leads_to}?${{__url_time_range}}")] if leads_to else []
    )
    runbooks = [(f"Runbook of {name}", runbook_of(name)) for name in alerts]
    return [
        dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url) for title, url in [*leads, *runbooks]
    ]


def runbook_of(alert: str) -> str:
    return f"${{{RUNBOOK_BASE}}}docs/runbooks/{alert}.md"


def ask(line: Line, index: int) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(line.expr).ref_id(chr(ord("A") + index)).datasource(DATASOURCE)
    return query.legend_format(line.legend)


def steps(limits: Limits) -> dashboard.ThresholdsConfig:
    """Green below all `limits`."""
    found = [model.Threshold(value=None, color=GREEN)]
    for value, color in limits:
        found.append(model.Threshold(value=limit(value) if isinstance(value, str) else value, color=color))
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def fix_color(color: str) -> model.DynamicConfigValue:
    """For the lines of an override."""
    return model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def legend() -> common.VizLegendOptions:
    shown = common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM)
    return shown.display_mode(shapes.LegendDisplayMode.LIST).calcs([])


def legend_of_many() -> common.VizLegendOptions:
    """A table beside the lines, the highest first: below them it would end in the middle of a row."""
    shown = common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.RIGHT)
    return shown.display_mode(shapes.LegendDisplayMode.TABLE).calcs(["max"]).sort_by("Max").sort_desc(True)


def tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING)
