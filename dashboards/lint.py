"""House rules for a dashboard's JSON: what `palmonas dashboards lint` says about ours, or about anyone's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser as ast

from rules.contract import GRAFANA, Reader, known_metrics

COLUMNS = 24
DATASOURCE = "${datasource}"
VARIABLES = ("datasource", "job", "instance")
# What comes with Grafana 11 and draws data; Angular's (graph, singlestat, table-old) are gone from it.
BUNDLED = frozenset(
    [
        "alertlist",
        "annolist",
        "barchart",
        "bargauge",
        "candlestick",
        "canvas",
        "dashlist",
        "datagrid",
        "flamegraph",
        "gauge",
        "geomap",
        "heatmap",
        "histogram",
        "logs",
        "news",
        "nodeGraph",
        "piechart",
        "stat",
        "state-timeline",
        "status-history",
        "table",
        "text",
        "timeseries",
        "traces",
        "trend",
        "xychart",
    ]
)
WITHOUT_QUERIES = frozenset({"alertlist", "annolist", "dashlist", "news", "text"})
_LABEL_VALUES = re.compile(r"label_values\(\s*(?P<series>.+),\s*(?P<label>\w+)\s*\)")
# A fixed window lies as soon as somebody zooms.
WINDOWS = frozenset({"$__rate_interval", "$__range"})


def lint_dashboard(board: dict[str, Any]) -> list[str]:
    """What breaks the house rules, one sentence each; empty when nothing does."""
    problems = [f"the dashboard has no {key}" for key in ("uid", "title", "description") if not board.get(key)]
    variables = {one.get("name") for one in board.get("templating", {}).get("list", [])}
    problems += [f"the dashboard has no variable {name}" for name in VARIABLES if name not in variables]
    for variable in board.get("templating", {}).get("list", []):
        problems += [f"variable {variable.get('name')}: {problem}" for problem in _lint_variable(variable)]
    panels = list(_flatten(board.get("panels", [])))
    problems += _lint_grid(panels)
    seen: set[int] = set()
    for panel in panels:
        if panel.get("id") in seen or panel.get("id") is None:
            problems.append(f"{_name(panel)}: its id {panel.get('id')} is missing or not its own")
        seen.add(panel.get("id", 0))
        if panel.get("type") != "row":
            problems += [f"{_name(panel)}: {problem}" for problem in _lint_panel(panel)]
    return problems


def _lint_variable(variable: dict[str, Any]) -> Iterator[str]:
    if variable.get("type") != "query":
        return
    if (variable.get("datasource") or {}).get("uid") != DATASOURCE:
        yield f"its data source is not the variable {DATASOURCE}"
    text = variable.get("query")
    asked = _LABEL_VALUES.fullmatch(text if isinstance(text, str) else (text or {}).get("query", ""))
    if not asked:
        yield "it asks for something else than label_values(metric, label)"
        return
    reader = Reader(known_metrics())
    labels = reader.read(asked["series"])
    # which jobs have a counter, and not what it counts
    yield from (problem for problem in reader.problems if "without rate()" not in problem)
    if asked["label"] not in labels:
        yield f"{asked['series']} has no label {asked['label']}"


def _flatten(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _flatten(panel.get("panels") or [])


def _name(panel: dict[str, Any]) -> str:
    return f"panel {panel.get('title') or panel.get('id')!r}"


def _lint_grid(panels: list[dict[str, Any]]) -> list[str]:
    problems: list[str] = []
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel.get("gridPos") or {}
        x, y, width, height = (place.get(key, 0) for key in ("x", "y", "w", "h"))
        if width < 1 or height < 1 or x < 0 or x + width > COLUMNS:
            problems.append(f"{_name(panel)}: at column {x} with width {width} it is not inside the grid")
            continue
        cells = [(column, line) for column in range(x, x + width) for line in range(y, y + height)]
        under = sorted({taken[cell] for cell in cells if cell in taken})
        problems += [f"{_name(panel)}: lies over {other}" for other in under]
        taken |= dict.fromkeys(cells, _name(panel))
    return problems


def _lint_panel(panel: dict[str, Any]) -> Iterator[str]:
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"has no {key}"
    if panel.get("type") not in BUNDLED:
        yield f"its type {panel.get('type')} does not come with Grafana"
    if panel.get("libraryPanel"):
        yield "it is a library panel, which stays behind when the dashboard is taken elsewhere"
    if panel.get("type") in WITHOUT_QUERIES:
        return
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
        yield "has no unit"
    targets = panel.get("targets") or []
    if not targets:
        yield "has no query"
    letters = [target.get("refId") for target in targets]
    if len(set(letters)) != len(letters):
        yield "two of its queries have one refId"
    for target in targets:
        yield from lint_query(target.get("expr", ""))
        yield from _lint_legend(target)
        if (target.get("datasource") or panel.get("datasource") or {}).get("uid") != DATASOURCE:
            yield f"its data source is not the variable {DATASOURCE}"


def _lint_legend(target: dict[str, Any]) -> Iterator[str]:
    """A label that the query sums away leaves a hole in the name of each line."""
    labels = Reader(known_metrics()).read(target.get("expr", ""))
    for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", target.get("legendFormat") or ""):
        if name not in labels:
            yield f"its legend names {name}, which its query does not keep"


def lint_query(expr: str) -> Iterator[str]:
    """What breaks the house rules in one query of a panel."""
    reader = Reader(known_metrics())
    reader.read(expr)
    yield from reader.problems
    for window in re.findall(r"\[([^\]:]*)", expr):
        if window not in WINDOWS:
            yield f"[{window}] is a fixed window: use [$__rate_interval]"
    for selector in _selectors(expr):
        used = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
        metric = known_metrics().get(selector.name or "")
        for name in ("job", "instance"):
            if metric and name not in metric.labels:
                continue  # a recording rule may have summed it away
            if f"${name}" not in used.get(name, ""):
                yield f"{selector.name} does not use the variable {name}"


def _selectors(expr: str) -> list[ast.VectorSelector]:
    for variable, value in GRAFANA.items():
        expr = expr.replace(variable, value)
    found: list[ast.VectorSelector] = []

    def collect(node: ast.Expr) -> None:
        if isinstance(node, ast.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, ast.VectorSelector):
            found.append(node)

    try:
        ast.walk(ast.parse(expr), pre_visit=collect)
    except ValueError:
        return []
    return found
