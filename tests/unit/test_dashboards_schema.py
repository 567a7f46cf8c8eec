"""Our dashboards fit Grafana's published types, and a spoilt one does not."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.errors import UsageError
from cli.dashboards import dashboards
from dashboards import schema_source
from dashboards.catalogue import build_dashboards
from dashboards.lint import BUNDLED
from dashboards.schema import SCHEMA, UNTYPED, find_faults

ROOT = Path(__file__).resolve().parents[2]
BOARDS = build_dashboards()
Board = dict[str, Any]
OURS = sorted({panel["type"] for board in BOARDS for panel in board["panels"]})


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_our_dashboards_fit(board: Board) -> None:
    assert find_faults(board) == []


def find_panel(board: Board, kind: str) -> Board:
    panel: Board = next(panel for panel in board["panels"] if panel["type"] == kind)
    return panel


def put(kind: str, *path: str | int, value: Any) -> Callable[[Board], None]:
    """Set what lies at `path` in the first panel of a type (`frame`: in the dashboard itself)."""

    def spoil(board: Board) -> None:
        place: Any = board if kind == "frame" else find_panel(board, kind)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (put("frame", "refresh", value=30), "the dashboard: refresh: 30 is not of type 'string'"),
        (put("frame", "timzone", value="utc"), "'timzone' was unexpected"),
        (put("frame", "tags", value="palmonas"), "tags: 'palmonas' is not of type 'array'"),
        (put("frame", "templating", "list", 1, "multi", value="yes"), "templating.list.1.multi: 'yes' is not of type"),
        (put("frame", "templating", "list", 1, "auto", value=True), "'auto' was unexpected"),
        (put("frame", "annotations", "list", 0, "target", "limit", value="100"), "target.limit: '100' is not of type"),
        (put("frame", "panels", value={}), "panels is no list"),
        (put("frame", "panels", 0, value="a panel"), "panel 'a panel': there is no panel type 'a panel'"),
        (put("timeseries", "type", value="timeserie"), "there is no panel type 'timeserie'"),
        (put("timeseries", "type", value="graph"), "there is no panel type 'graph'"),
        (put("timeseries", "type", value=None), "there is no panel type None"),
        (put("timeseries", "gridPos", value="left"), "gridPos: 'left' is not of type 'object'"),
        (put("timeseries", "gridPos", "w", value="12"), "gridPos.w: '12' is not of type 'number'"),
        (put("timeseries", "fieldConfig", "defaults", "unitt", value="s"), "'unitt' was unexpected"),
        (put("timeseries", "fieldConfig", "defaults", "unit", value=1), "unit: 1 is not of type 'string'"),
        (
            put("timeseries", "fieldConfig", "defaults", "custom", "lineWidth", value="1"),
            "lineWidth: '1' is not of type",
        ),
        (put("timeseries", "fieldConfig", "defaults", "custom", "lineWidht", value=1), "'lineWidht' was unexpected"),
        (put("timeseries", "options", "legend", "placement", value="left"), "'left' is not one of ['bottom', 'right']"),
        (put("timeseries", "targets", 0, value={"refId": "A", "expr": 1}), "targets.0.expr: 1 is not of type"),
        (put("timeseries", "targets", 0, value={"refId": "A", "expr": "up", "legend": "x"}), "'legend' was unexpected"),
        (put("timeseries", "targets", 0, value={"expr": "up"}), "'refId' is a required property"),
        (put("stat", "options", "colorModee", value="value"), "'colorModee' was unexpected"),
        (put("stat", "options", "graphMode", value="areas"), "'areas' is not one of"),
        (put("heatmap", "options", "calculate", value="no"), "options.calculate: 'no' is not of type 'boolean'"),
        (put("row", "collapsed", value=0), "collapsed: 0 is not of type 'boolean'"),
    ],
)
def test_a_spoilt_dashboard_is_found(spoil: Callable[[Board], None], said: str) -> None:
    board = copy.deepcopy(next(board for board in BOARDS if board["uid"] == "palmonas-pools"))
    spoil(board)
    faults = find_faults(board)
    assert any(said in fault for fault in faults), faults
    assert all(len(fault) < 400 for fault in faults)


@pytest.mark.parametrize("kind", OURS)
def test_an_unknown_field_of_every_panel_type_we_use_is_found(kind: str) -> None:
    board = copy.deepcopy(next(board for board in BOARDS if any(panel["type"] == kind for panel in board["panels"])))
    find_panel(board, kind)["descripton"] = "misspelt"
    (fault,) = find_faults(board)
    assert "'descripton' was unexpected" in fault


def test_panels_in_a_closed_row_are_looked_at() -> None:
    board = copy.deepcopy(BOARDS[0])
    hidden = {**find_panel(board, "stat"), "title": "hidden", "options": {"graphMode": "areas"}}
    find_panel(board, "row")["panels"] = [hidden]
    (fault,) = find_faults(board)
    assert fault.startswith("panel 'hidden': options.graphMode")


def test_what_an_export_adds_and_other_data_sources_are_taken() -> None:
    board = copy.deepcopy(BOARDS[0])
    board["__inputs"] = [{"name": "DS"}]
    loki = {"type": "loki", "uid": "logs"}
    find_panel(board, "timeseries")["targets"] = [
        {"refId": "A", "expr": '{app="x"}', "maxLines": 5, "datasource": loki}
    ]
    assert find_faults(board) == []


def test_every_bundled_panel_type_has_a_schema_or_is_said_to_have_none() -> None:
    typed = set(json.loads(SCHEMA.read_text(encoding="utf-8"))["definitions"]["Panels"]["properties"])
    assert typed.isdisjoint(UNTYPED)
    assert typed | UNTYPED == BUNDLED | {"row"}


def test_types_and_sdk_are_of_one_grafana() -> None:
    types = json.loads((schema_source.TYPES / "package.json").read_text(encoding="utf-8"))["dependencies"]
    pinned = re.search(r"^grafana-foundation-sdk==\d+!(\S+)$", (ROOT / "requirements/dev.in").read_text(), re.MULTILINE)
    assert pinned
    assert types["@grafana/schema"] == pinned[1]
    assert f"@grafana/schema {pinned[1]}" in (ROOT / "docs/grafana.md").read_text(encoding="utf-8")
    lock = json.loads((schema_source.TYPES / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["dependencies"] == types
    assert all("integrity" in one for name, one in lock["packages"].items() if name)


def test_lint_tells_of_it_in_a_line_for_each(tmp_path: Path) -> None:
    board = copy.deepcopy(BOARDS[0])
    board["panels"][0]["type"] = "singlestat"
    board["refresh"] = 30
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(board), encoding="utf-8")
    done = CliRunner().invoke(dashboards, ["lint", str(path)])
    assert isinstance(done.exception, UsageError)
    assert done.stdout.count("\n") == 2
    assert "there is no panel type 'singlestat'" in done.stdout


def test_without_node_the_check_is_left_out_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = CliRunner().invoke(dashboards, ["schema", "--check"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "node and npm missing: dashboards/schema.json was not held against Grafana's types."
    ]
    refused = CliRunner().invoke(dashboards, ["schema"])
    assert "which this machine lacks: apt-get install npm" in str(refused.exception)
