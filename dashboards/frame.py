"""The frame that every dashboard of ours has: variables, links, annotations, and the way it becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.events import EVENTS, TAG
from dashboards.panels import DATASOURCE

# Title and uid of each dashboard. A uid is in links, alerts and people's bookmarks: it never changes.
TITLES = {
    "palmonas-overview": "Palmonas: overview",
    "palmonas-api": "Palmonas: API",
    "palmonas-pools": "Palmonas: connection pools",
    "palmonas-queues": "Palmonas: queues",
    "palmonas-orders": "Palmonas: orders and channels",
    "palmonas-slo": "Palmonas: objectives",
    "palmonas-postgresql": "Palmonas: PostgreSQL",
    "palmonas-redis": "Palmonas: Redis",
    "palmonas-host": "Palmonas: host",
    "palmonas-haproxy": "Palmonas: HAProxy",
    "palmonas-monitoring": "Palmonas: monitoring itself",
}


def _query_variable(name: str, query: str) -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(name).label(name.capitalize()).datasource(DATASOURCE).query(query)
    variable = variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.sort(model.VariableSort.NATURAL_ASC)
    # `.+` and not the list of values, so that an instance that appears later is shown without a reload.
    variable = variable.multi(True).include_all(True).all_value(".+")
    return variable.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _event(name: str, color: str) -> dashboard.AnnotationQuery:
    target = dashboard.AnnotationTarget().type("tags").tags([TAG, name]).match_any(False).limit(100)
    source = model.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    return dashboard.AnnotationQuery().name(name).datasource(source).enable(True).icon_color(color).target(target)


def start(uid: str, description: str, jobs_from: str) -> dashboard.Dashboard:
    """An empty dashboard. `jobs_from` is the metric whose job and instance values the variables offer."""
    board = dashboard.Dashboard(TITLES[uid]).uid(uid).description(description).tags([TAG])
    board = board.timezone("browser").time("now-1h", "now").refresh("30s").editable()
    board = board.tooltip(model.DashboardCursorSync.CROSSHAIR)
    board = board.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    board = board.with_variable(_query_variable("job", f"label_values({jobs_from}, job)"))
    board = board.with_variable(_query_variable("instance", f'label_values({jobs_from}{{job=~"$job"}}, instance)'))
    for name, color in EVENTS.items():
        board = board.annotation(_event(name, color))
    for other, title in TITLES.items():
        if other != uid:
            link = dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).url(f"/d/{other}")
            board = board.link(link.keep_time(True).include_vars(True))
    return board


def add_row(board: dashboard.Dashboard, title: str, panels: Sequence[Any]) -> dashboard.Dashboard:
    """Put `panels` under a heading, from left to right; their widths should fill lines of 24 columns."""
    board = board.with_row(dashboard.Row(title))
    for panel in panels:
        board = board.with_panel(panel)
    return board


def finish(board: dashboard.Dashboard) -> dict[str, Any]:
    """The dashboard as JSON values, panels numbered in reading order."""
    built = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    for number, panel in enumerate(built["panels"], start=1):
        panel["id"] = number
    for variable in built["templating"]["list"]:
        # The SDK writes the settings of an interval variable into all of them; Grafana's schema refuses them.
        for stray in ("auto", "auto_count", "auto_min"):
            variable.pop(stray, None)
    result: dict[str, Any] = built
    return result
