"""House rules for a dashboard's JSON: what `palmonas dashboards lint` says about ours, and about anyone's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

import promql_parser as ast

from dashboards.coverage import find_watched
from dashboards.theirs import fill_in, find_metrics, has_choice
from rules.contract import GRAFANA, Reader, known_metrics
from rules.files import read_alerts

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
_WINDOW = re.compile(r"\[([^\]:]*)")
WINDOWS = frozenset({"$__rate_interval", "$__range"})


@dataclass(frozen=True)
class House:
    """Whose rules are kept: ours, or as much of them as may be asked of anyone.

    `kinds` by name are the metrics that somebody else's queries may name, from the file `source`; None: any.
    """

    ours: bool = True
    kinds: dict[str, str] | None = None
    source: str = ""

    def make_reader(self, expr: str, legend: str = "") -> Reader:
        if self.ours:
            return Reader(known_metrics())
        return Reader(find_metrics(f"{expr} {legend}", self.kinds), f"{self.source} does not name it")

    def parses(self, expr: str) -> bool:
        """False for what only a Grafana that knows its variables could parse."""
        if self.ours or not has_choice(expr):
            return True
        try:
            ast.parse(fill_in(expr))
        except ValueError:
            return False
        return True


OURS = House()


def lint_dashboard(board: dict[str, Any], house: House = OURS) -> list[str]:
    """What breaks the house rules, one sentence each; empty when nothing does."""
    wanted = ("uid", "title", "description") if house.ours else ("uid", "title")
    problems = [f"the dashboard has no {key}" for key in wanted if not board.get(key)]
    variables = board.get("templating", {}).get("list", [])
    if house.ours:
        names = {one.get("name") for one in variables}
        problems += [f"the dashboard has no variable {name}" for name in VARIABLES if name not in names]
        for variable in variables:
            problems += [f"variable {variable.get('name')}: {problem}" for problem in _lint_variable(variable)]
    top = board.get("panels", [])
    # What is in a closed row lies where the next panels are until somebody opens it.
    for group in (top, *(panel.get("panels") or [] for panel in top)):
        problems += _lint_grid(group)
    seen: set[int] = set()
    for panel in _flatten(top):
        if panel.get("id") in seen or panel.get("id") is None:
            problems.append(f"{_name(panel)}: its id {panel.get('id')} is missing or not its own")
        seen.add(panel.get("id", 0))
        if panel.get("type") != "row":
            problems += [f"{_name(panel)}: {problem}" for problem in _lint_panel(panel, house)]
    return list(dict.fromkeys(problems))


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


def _lint_panel(panel: dict[str, Any], house: House) -> Iterator[str]:
    for key in ("title", "description") if house.ours else ("title",):
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
    windows = WINDOWS | (_find_windows(panel) if house.ours else set())
    for target in targets:
        source = target.get("datasource") or panel.get("datasource") or {}
        yield from _lint_target(target, source, house, windows)


def _find_windows(panel: dict[str, Any]) -> set[str]:
    """The windows of the alerts that watch a panel: a line where they fire has theirs, however far somebody zooms."""
    watched = find_watched(panel)
    return {window for alert in read_alerts() if alert.name in watched for window in _WINDOW.findall(alert.expr)}


def _lint_target(target: dict[str, Any], source: Any, house: House, windows: Set[str]) -> Iterator[str]:
    told = source if isinstance(source, str) else source.get("uid")  # a name, in dashboards of old
    if house.ours and told != DATASOURCE:
        yield f"its data source is not the variable {DATASOURCE}"
    if not house.ours:
        # "-- Mixed --" and the like are Grafana's own; without any it is the default one.
        if told and not told.startswith(("$", "-- ")):
            yield f"its data source is {told}, which no other Grafana has: use a variable"
        if not target.get("expr") or (isinstance(source, dict) and source.get("type", "prometheus") != "prometheus"):
            return
    expr = target.get("expr", "")
    yield from lint_query(expr, house, windows)
    yield from _lint_legend(expr, target.get("legendFormat") or "", house)


def _lint_legend(expr: str, legend: str, house: House) -> Iterator[str]:
    """A label that the query sums away leaves a hole in the name of each line."""
    if not house.parses(expr):
        return
    labels = house.make_reader(expr, legend).read(expr if house.ours else fill_in(expr))
    for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", legend):
        if name not in labels:
            yield f"its legend names {name}, which its query does not keep"


def lint_query(expr: str, house: House = OURS, windows: Set[str] = WINDOWS) -> Iterator[str]:
    """What breaks the house rules in one query of a panel."""
    if not house.parses(expr):
        return
    reader = house.make_reader(expr)
    reader.read(expr if house.ours else fill_in(expr))
    yield from reader.problems
    # Without texts, in which brackets are another thing. Another variable is somebody's choice.
    for window in _WINDOW.findall(re.sub(r'"[^"]*"', '""', expr)):
        if window not in windows and (house.ours or not window.startswith("$")):
            yield f"[{window}] is a fixed window: use [$__rate_interval]"
    if house.ours:
        yield from _lint_choice(expr)


def _lint_choice(expr: str) -> Iterator[str]:
    """Every query shows what the variables choose."""
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
