"""Dashboards of another team are held to what holds for anyone, and not to our metrics and variables."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.errors import UsageError
from cli.dashboards import dashboards
from dashboards.lint import House, lint_dashboard
from dashboards.schema import find_faults
from dashboards.theirs import read_kinds

THEIRS = House(ours=False)
SOURCE = {"type": "prometheus", "uid": "${ds}"}
Board = dict[str, Any]


def make_panel(number: int, title: str, unit: str, expr: str, legend: str) -> Board:
    target = {"refId": "A", "expr": expr, "legendFormat": legend}
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": 12 * number - 12, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [target],
    }


def make_board() -> Board:
    """What somebody might have who never saw this repository."""
    variables = [
        {"name": "ds", "type": "datasource", "query": "prometheus"},
        {"name": "env", "type": "query", "datasource": SOURCE, "query": "label_values(shop_orders_total, env)"},
    ]
    orders = 'sum by (kind) (rate(shop_orders_total{env="$env"}[$__rate_interval]))'
    stock = 'min by (place) (shop_stock{env=~"${env:regex}", code=~"[45].."}) * $factor'
    return {
        "uid": "shop",
        "title": "Shop",
        "schemaVersion": 39,
        "templating": {"list": variables},
        "panels": [
            make_panel(1, "Orders", "reqps", orders, "{{kind}}"),
            make_panel(2, "Stock", "short", stock, "{{place}}"),
        ],
    }


def ask(expr: str, legend: str = "") -> list[str]:
    board = make_board()
    board["panels"][0]["targets"][0] |= {"expr": expr, "legendFormat": legend}
    return lint_dashboard(board, THEIRS)


def test_an_honest_dashboard_has_no_breach() -> None:
    assert find_faults(make_board()) == []
    assert lint_dashboard(make_board(), THEIRS) == []


@pytest.mark.parametrize(
    ("expr", "legend", "complaint"),
    [
        ("sum(shop_orders_total)", "", "shop_orders_total is a counter and is used without rate()"),
        ("rate(node_load1[$__rate_interval])", "", "rate() of node_load1, which is a gauge"),
        ("sum(rate(shop_orders_total[5m]))", "", "[5m] is a fixed window"),
        ("sum by (kind) (shop_stock)", "{{place}}", "its legend names place"),
        ("histogram_quantile(0.9, sum(rate(shop_seconds_bucket[$__rate_interval])))", "", "without le"),
        ("sum(rate(shop_orders_total[$__rate_interval])", "", "does not parse"),
    ],
)
def test_what_holds_for_anyone_is_found_once(expr: str, legend: str, complaint: str) -> None:
    problems = ask(f"{expr}" if "parse" in complaint else f"{expr} + {expr}", legend)
    assert len([problem for problem in problems if complaint in problem]) == 1
    assert len(problems) == 1


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(shop_orders_total[$window]))",
        "topk($count, shop_stock)",
        "avg_over_time(shop_stock[$__interval])",
        "sum(rate(${metric}_total[$__rate_interval]))",
        '{__name__="shop_stock", env="$env"}',
    ],
)
def test_variables_are_their_own_choice(expr: str) -> None:
    assert ask(expr) == []


def test_panels_without_prometheus_are_not_read() -> None:
    board = make_board()
    board["panels"][0]["datasource"] = {"type": "loki", "uid": "${logs}"}
    board["panels"][0]["targets"][0] = {"refId": "A", "expr": '{app="shop"} |= "error"'}
    board["panels"][1]["datasource"] = {"type": "datasource", "uid": "-- Dashboard --"}
    board["panels"][1]["targets"][0] = {"refId": "A", "panelId": 1}
    assert lint_dashboard(board, THEIRS) == []


def test_a_fixed_source_and_an_overlap_are_found() -> None:
    board = make_board()
    board["panels"][0]["datasource"] = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}
    board["panels"][1]["gridPos"]["x"] = 8
    assert lint_dashboard(board, THEIRS) == [
        "panel 'Stock': lies over panel 'Orders'",
        "panel 'Orders': its data source is P1809F7CD0C75ACF3, which no other Grafana has: use a variable",
    ]


def test_what_is_in_a_closed_row_lies_over_nothing() -> None:
    board = make_board()
    first, second = board["panels"]
    row = {"id": 3, "type": "row", "title": "more", "collapsed": True, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}
    hidden = copy.deepcopy(first) | {"id": 4, "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}}
    first["gridPos"]["y"] = second["gridPos"]["y"] = 1
    board["panels"] = [row | {"panels": [hidden]}, first, second]
    assert lint_dashboard(board, THEIRS) == []
    board["panels"][0]["panels"].append(hidden | {"id": 5})
    assert lint_dashboard(board, THEIRS) == ["panel 'Orders': lies over panel 'Orders'"]


PAGE = """# TYPE shop_orders_total counter
shop_orders_total{env="a"} 1
# TYPE shop_made gauge
shop_made 2
# TYPE shop_stock gauge
shop_stock{place="x"} 3
"""


@pytest.mark.parametrize("text", [PAGE, "shop_orders_total\nshop_stock\n"])
def test_names_are_held_against_what_there_is(tmp_path: Path, text: str) -> None:
    metrics, file = tmp_path / "metrics", tmp_path / "shop.json"
    metrics.write_text(text, encoding="utf-8")
    board = make_board()
    file.write_text(json.dumps(board), encoding="utf-8")
    assert "1 dashboards keep" in lint("--metrics", str(metrics), str(file))
    board["panels"][1]["targets"][0]["expr"] = "shop_stocks > on () up"
    problems = lint_dashboard(board, House(False, read_kinds(metrics), "metrics"))
    assert problems == [
        "panel 'Stock': nobody emits shop_stocks: metrics does not name it",
        "panel 'Stock': its legend names place, which its query does not keep",
    ]


def test_kinds_are_those_of_the_page(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics"
    metrics.write_text(PAGE, encoding="utf-8")
    board = make_board()
    board["panels"][1]["targets"][0] = {"refId": "A", "expr": "rate(shop_made[$__rate_interval])"}
    problems = lint_dashboard(board, House(False, read_kinds(metrics), "metrics"))
    assert problems == ["panel 'Stock': rate() of shop_made, which is a gauge"]


@pytest.mark.parametrize(("text", "complaint"), [("", "names no metric"), ("<html>", "neither a /metrics page")])
def test_a_file_that_names_no_metric_is_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    metrics = tmp_path / "metrics"
    metrics.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        read_kinds(metrics)
    with pytest.raises(UsageError, match="cannot read"):
        read_kinds(tmp_path / "missing")


def lint(*arguments: str) -> str:
    return CliRunner().invoke(dashboards, ["lint", *arguments], catch_exceptions=False).output
