"""The frame that every dashboard of ours has: variables, links, annotations, and the way it becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.dress import DATASOURCE, RUNBOOK_BASE
from dashboards.events import EVENTS, TAG

# Title and uid of each dashboard. A uid is in links, alerts and people's bookmarks: it never changes.
TITLES = {
    "palmonas-overview": "Palmonas: overview",
    "palmonas-api": "Palmonas: API",
    "palmonas-pools": "Palmonas: connection pools",
    "palmonas-queues": "Palmonas: queues",
    "palmonas-workers": "Palmonas: workers",
    "palmonas-orders": "Palmonas: orders and channels",
    "palmonas-slo": "Palmonas: objectives",
    "palmonas-postgresql": "Palmonas: PostgreSQL",
    "palmonas-redis": "Palmonas: Redis",
    "palmonas-containers": "Palmonas: containers and processes",
    "palmonas-host": "Palmonas: host",
    "palmonas-haproxy": "Palmonas: HAProxy",
    "palmonas-load": "Palmonas: load test",
    "palmonas-monitoring": "Palmonas: monitoring itself",
    "palmonas-alerts": "Palmonas: alert quality",
}
OVERVIEW = "palmonas-overview"
# Where somebody looks next. The overview leads everywhere, and every dashboard leads back to it.
NEXT = {
    "palmonas-api": ("pools", "queues", "haproxy", "host"),
    "palmonas-pools": ("api", "workers", "postgresql", "redis"),
    "palmonas-queues": ("workers", "orders", "redis", "pools"),
    "palmonas-workers": ("queues", "pools", "containers", "host"),
    "palmonas-orders": ("api", "queues", "slo", "postgresql"),
    "palmonas-slo": ("api", "orders", "queues", "alerts"),
    "palmonas-postgresql": ("pools", "orders", "host"),
    "palmonas-redis": ("queues", "pools", "host"),
    "palmonas-containers": ("host", "api", "workers"),
    "palmonas-host": ("containers", "postgresql", "redis"),
    "palmonas-haproxy": ("api", "load", "host"),
    "palmonas-load": ("api", "queues", "pools", "haproxy", "host"),
    "palmonas-monitoring": ("alerts", "host"),
    "palmonas-alerts": ("monitoring", "slo"),
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
    board = board.with_variable(dashboard.ConstantVariable(RUNBOOK_BASE).value(""))
    for other in following(uid):
        link = dashboard.DashboardLink(TITLES[other]).type(model.DashboardLinkType.LINK).url(f"/d/{other}")
        # Not the variables: a job of this dashboard is seldom one of the other's, and would leave it empty.
        board = board.link(link.keep_time(True))
    return board


def following(uid: str) -> list[str]:
    """The uids that a dashboard leads to."""
    if uid == OVERVIEW:
        return [other for other in TITLES if other != uid]
    return [OVERVIEW, *(f"palmonas-{name}" for name in NEXT[uid])]


def add_row(board: dashboard.Dashboard, title: str, panels: Sequence[Any]) -> dashboard.Dashboard:
    """Put `panels` under a heading, from left to right; their widths should fill lines of 24 columns."""
    board = board.with_row(dashboard.Row(title))
    for panel in panels:
        board = board.with_panel(panel)
    return board


def _lead_to_instance(panel: dict[str, Any], uid: str) -> None:
    """Lines and rows that name an instance lead to it: on the dashboard with the detail, else on this one."""
    names = [target.get("legendFormat", "") for target in panel.get("targets") or []]
    if names == ["{{area}}"] and panel["type"] == "state-timeline":
        link = {
            "title": "Dashboard of ${__field.labels.area}",
            "url": "/d/palmonas-${__field.labels.area}?${__url_time_range}",
        }
        panel["fieldConfig"]["defaults"]["links"] = [link]
    if panel["type"] != "timeseries" or not names or not all("{{instance}}" in name for name in names):
        return
    urls = [link["url"] for link in panel.get("links") or []]
    detail = next((url.partition("?")[0] for url in urls if url.startswith("/d/")), f"/d/{uid}")
    url = f"{detail}?${{__url_time_range}}&var-instance=${{__field.labels.instance}}"
    panel["fieldConfig"]["defaults"]["links"] = [{"title": "Only ${__field.labels.instance}", "url": url}]


def finish(board: dashboard.Dashboard) -> dict[str, Any]:
    """The dashboard as JSON values, panels numbered in reading order."""
    built = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    for number, panel in enumerate(built["panels"], start=1):
        panel["id"] = number
        _lead_to_instance(panel, built["uid"])
    for variable in built["templating"]["list"]:
        # The SDK writes the settings of an interval variable into all of them; Grafana's schema refuses them.
        for stray in ("auto", "auto_count", "auto_min"):
            variable.pop(stray, None)
    result: dict[str, Any] = built
    return result
