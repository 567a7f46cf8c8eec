"""What panels are asked, with what in place of Grafana's variables, and what is kept of the answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dashboards import dress
from dashboards.lint import WINDOWS
from drills import asking
from drills.asking import View, list_queries, read_dashboards, read_variables
from drills.drill import list_drills
from drills.filled import subtract
from drills.fillers import PANELS, merge_filled, read_empty, read_fillers, record_empty, record_filled
from drills.panels import Verdict, describe

BOARDS = read_dashboards()
TITLES = {board["uid"]: {panel["title"] for panel in board["panels"]} for board in BOARDS}
MIDDLE = "palmonas-x"


def test_every_query_of_every_panel_is_found_and_filled() -> None:
    queries = [(query, read_variables(board)) for board in BOARDS for query in list_queries(board)]
    written = sum(len(panel.get("targets") or []) for board in BOARDS for panel in board["panels"])
    assert len(queries) == written > 300
    for query, variables in queries:
        filled = View(1e9, 3600).fill(query.expr, query.points, variables)
        assert not re.search(r"\$[a-z_{]", filled), query.name
        assert query.name.count(": ") >= 1


def test_panels_in_a_closed_row_are_asked_too() -> None:
    panel = {"title": "hidden", "gridPos": {"w": 8}, "targets": [{"refId": "A", "expr": "up", "instant": True}]}
    (query,) = list_queries({"uid": MIDDLE, "panels": [{"type": "row", "title": "a row", "panels": [panel]}]})
    assert (query.uid, query.panel, query.is_instant, query.announced) == (MIDDLE, "hidden", True, "")


def test_a_panel_announces_in_the_words_of_the_builders() -> None:
    assert asking.EMPTY == dress.EMPTY
    description = dress._describe("What it is.", ["ApiDown", "PoolFull"], "no error yet")
    panel = {"title": "t", "description": description, "gridPos": {"w": 8}, "targets": [{"refId": "A", "expr": "up"}]}
    (query,) = list_queries({"uid": MIDDLE, "panels": [panel]})
    assert query.announced == "no error yet"
    known = [query for board in BOARDS for query in list_queries(board)]
    assert {query.announced != "" for query in known} == {True, False}


@pytest.mark.parametrize(
    ("range_s", "points", "step", "rate"),
    [
        (3600, 720, 15, "60000ms"),  # 5 s a pixel: never more often than is scraped, four scrapes at least
        (6 * 3600, 720, 30, "60000ms"),
        (24 * 3600, 480, 120, "135000ms"),
        (15 * 86400, 1440, 900, "915000ms"),
        (90 * 86400, 240, 21600, "21615000ms"),
    ],
)
def test_steps_and_windows_are_grafanas(range_s: int, points: int, step: int, rate: str) -> None:
    view = View(1e9, range_s)
    assert view.step(points) == step
    assert view.fill("rate(x[$__rate_interval])", points, {}) == f"rate(x[{rate}])"


def test_variables_are_filled_in_both_spellings() -> None:
    text = 'x{job=~"$job", instance=~"${instance}"}[$__range] $other'
    filled = View(1e9, 3600).fill(text, 480, {"job": ".+", "instance": "a|b"})
    assert filled == 'x{job=~".+", instance=~"a|b"}[3600s] $other'
    assert {f"${name}" for name in ("__rate_interval", "__range")} == WINDOWS


def test_what_a_fault_filled_is_what_was_empty_before() -> None:
    before = {"a": ["1", "2"], "b": ["3"]}
    assert subtract({"a": ["2", "4"], "b": ["3"], "c": ["5"]}, before) == {"a": ["4"], "c": ["5"]}


def test_records_are_merged_by_drill(tmp_path: Path) -> None:
    path = tmp_path / "panels.json"
    assert read_fillers(path) == {}
    assert read_empty(path) == {}
    record_empty({"a": ["1"]}, path)
    record_filled("zeta", {"a": ["1", "2"]}, path)
    record_filled("alpha", {"a": ["1"]}, path)
    record_filled("alpha", {"a": ["2"]}, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document == {"empty_under_load": {"a": ["1"]}, "drills": {"alpha": {"a": ["2"]}, "zeta": {"a": ["1", "2"]}}}
    assert read_empty(path) == {"a": ["1"]}
    assert list(document["drills"]) == ["alpha", "zeta"]
    assert read_fillers(path) == {"a: 1": ["zeta"], "a: 2": ["alpha", "zeta"]}
    assert "alpha" not in merge_filled(document, "alpha", {})["drills"]


def test_a_verdict_without_queries_or_with_a_silent_panel_is_not_good() -> None:
    assert not Verdict().is_good
    assert Verdict(queries=1, announced={"a: 1": "no error yet"}).is_good
    assert not Verdict(queries=1, empty=["a: 1 (A)"]).is_good
    slow = Verdict(queries=1, slow=["a: 1 (A) took 0.71 s"])
    assert not slow.is_good
    assert "SLOW: a: 1 (A) took 0.71 s" in list(describe(slow))


def test_what_is_recorded_exists() -> None:
    document = json.loads(PANELS.read_text(encoding="utf-8"))
    drills = document.get("drills", {})
    assert drills.keys() <= {drill.name for drill in list_drills()}
    for panels in (document["empty_under_load"], *drills.values()):
        for uid, titles in panels.items():
            assert set(titles) <= TITLES[uid]
