"""Logs of all containers, from Loki: how many lines at which level, and the lines, by service, level and words.

Not one of the dashboards in grafana/: it asks another data source, which is there only in compose.yml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, logs, loki, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

from dashboards.events import TAG
from dashboards.frame import finish

PATH = Path("containers/logs/palmonas-logs.json")
UID = "palmonas-logs"
SOURCE = model.DataSourceRef(type_val="loki", uid="${logs}")
# All lines of the services chosen that have the words in the box, wherever in a line they stand.
CHOSEN = '{service=~"$service", level=~"$level"} |~ `(?i)$words`'
BAD = '{service=~"$service", level=~"error|critical|warning"}'


def _ask(expr: str, legend: str = "") -> loki.Dataquery:
    return loki.Dataquery().expr(expr).legend_format(legend).ref_id("A").datasource(SOURCE)


def _label(name: str) -> dashboard.QueryVariable:
    """All values of a label; a line of a program that is not ours has no level, and is shown with all."""
    variable = dashboard.QueryVariable(name).label(name.capitalize()).datasource(SOURCE)
    variable = variable.query(f"label_values({name})").refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.multi(True).include_all(True).all_value(".*" if name == "level" else ".+")
    return variable.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _count(title: str, description: str, expr: str, legend: str) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(description).unit("short").datasource(SOURCE)
    panel = panel.span(12).height(7).min(0).fill_opacity(30)
    panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    return panel.with_target(_ask(expr, legend))


def _lines(title: str, description: str, expr: str, height: int) -> logs.Panel:
    panel = logs.Panel().title(title).description(description).datasource(SOURCE).span(24).height(height)
    panel = panel.show_time(True).enable_log_details(True).sort_order(shapes.LogsSortOrder.DESCENDING)
    return panel.with_target(_ask(expr))


def build() -> dict[str, Any]:
    """The dashboard, as Grafana's JSON."""
    board = dashboard.Dashboard("Palmonas: logs").uid(UID).tags([TAG])
    board = board.description("What the processes say, of all containers: search by service, level, and any words.")
    board = board.timezone("browser").time("now-1h", "now").refresh("30s").editable()
    board = board.with_variable(dashboard.DatasourceVariable("logs").label("Logs").type("loki"))
    board = board.with_variable(_label("service")).with_variable(_label("level"))
    board = board.with_variable(dashboard.TextBoxVariable("words").label("Words, or a request id"))
    link = dashboard.DashboardLink("Palmonas: overview").type(model.DashboardLinkType.LINK)
    board = board.link(link.url("/d/palmonas-overview").keep_time(True))
    panels = [
        _count(
            "Lines by level",
            "Lines in the width of a point; those without a level are of programs that are not ours.",
            f"sum by (level) (count_over_time({CHOSEN}[$__auto]))",
            "{{level}}",
        ),
        _count(
            "Warnings and errors by service",
            "Where the trouble is. Empty is good.",
            f"sum by (service) (count_over_time({BAD}[$__auto]))",
            "{{service}}",
        ),
        _lines("Warnings and errors", "The newest first; a click on a line shows its fields.", BAD, 9),
        _lines(
            "Lines", "All that was chosen above. A request id tells one order's way from door to store.", CHOSEN, 16
        ),
    ]
    for panel in panels:
        board = board.with_panel(panel)
    return finish(board)
