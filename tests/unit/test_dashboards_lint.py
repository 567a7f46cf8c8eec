"""The house rules hold for our dashboards, and each breach of one is found."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.errors import UsageError
from cli.dashboards import dashboards
from dashboards.catalogue import build_dashboards
from dashboards.coverage import check_set, find_reasons
from dashboards.lint import lint_dashboard, lint_query
from dashboards.parts import SIGNALS
from dashboards.queries import SUBJECT
from rules.contract import Reader, known_metrics
from rules.files import read_alerts

BOARDS = build_dashboards()
Board = dict[str, Any]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_our_dashboards_keep_the_rules(board: Board) -> None:
    assert lint_dashboard(board) == []


def overlap(board: Board) -> None:
    board["panels"][1]["gridPos"]["x"] -= 1


def leave_grid(board: Board) -> None:
    board["panels"][5]["gridPos"]["w"] = 5


def set_first(key: str, value: Any) -> Callable[[Board], None]:
    def change(board: Board) -> None:
        board["panels"][0][key] = value

    return change


def drop_unit(board: Board) -> None:
    del board["panels"][0]["fieldConfig"]["defaults"]["unit"]


def drop_variable(board: Board) -> None:
    del board["templating"]["list"][2]


def fix_source(board: Board) -> None:
    board["panels"][0]["targets"][0]["datasource"]["uid"] = "prometheus"


def repeat_letter(board: Board) -> None:
    board["panels"][0]["targets"] *= 2


def hide_in_row(board: Board) -> None:
    hidden = copy.deepcopy(board["panels"][0]) | {"id": 900, "title": "", "gridPos": {"x": 0, "y": 900, "w": 1, "h": 1}}
    row = {"id": 901, "type": "row", "title": "a row", "gridPos": {"x": 0, "y": 899, "w": 24, "h": 1}}
    board["panels"].append(row | {"panels": [hidden]})


def spoil_legend(board: Board) -> None:
    board["panels"][1]["targets"][0]["legendFormat"] = "{{instance}} {{queue}}"


def set_variable(key: str, value: Any) -> Callable[[Board], None]:
    def change(board: Board) -> None:
        variables = {one["name"]: one for one in board["templating"]["list"]}
        variables["instance"][key] = value

    return change


@pytest.mark.parametrize(
    ("breach", "complaint"),
    [
        (spoil_legend, "its legend names queue, which its query does not keep"),
        (set_first("libraryPanel", {"uid": "theirs"}), "is a library panel"),
        (set_variable("query", "label_values(upp, instance)"), "variable instance: nobody emits upp"),
        (set_variable("query", "label_values(up, queue)"), "up has no label queue"),
        (set_variable("query", "metrics(up)"), "something else than label_values"),
        (set_variable("datasource", {"uid": "prometheus"}), "variable instance: its data source"),
        (overlap, "lies over panel"),
        (leave_grid, "not inside the grid"),
        (set_first("id", 2), "is missing or not its own"),
        (set_first("title", ""), "has no title"),
        (set_first("description", ""), "has no description"),
        (set_first("type", "graph"), "type graph does not come with Grafana"),
        (set_first("targets", []), "has no query"),
        (set_first("targets", [{"expr": "up", "refId": "A"}]), "does not use the variable job"),
        (drop_unit, "has no unit"),
        (drop_variable, "no variable instance"),
        (fix_source, "not the variable ${datasource}"),
        (repeat_letter, "one refId"),
        (hide_in_row, "has no title"),
        (lambda board: board.pop("uid"), "no uid"),
    ],
)
def test_breach_is_found(breach: Callable[[Board], None], complaint: str) -> None:
    board = copy.deepcopy(BOARDS[0])
    breach(board)
    assert any(complaint in problem for problem in lint_dashboard(board))


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ('sum(rate(rq_jobs_processed_total{job=~"$job", instance=~"$instance"}[5m]))', "[5m] is a fixed window"),
        ('rq_jobs{job=~"$job"}', "rq_jobs does not use the variable instance"),
        ('rq_jobs{job=~"$job", instance=~"$instance"} / on (queue) rq_workers', "rq_workers does not use the variable"),
        ('rq_jobs{job="palmonas-exporter", instance=~"$instance"}', "does not use the variable job"),
        ('rq_jobz{job=~"$job", instance=~"$instance"}', "nobody emits rq_jobz"),
    ],
)
def test_breach_of_a_query_is_found(expr: str, complaint: str) -> None:
    assert any(complaint in problem for problem in lint_query(expr))


def test_our_dashboards_keep_the_rules_together() -> None:
    assert list(check_set(BOARDS, read_alerts())) == []


def lead_astray(boards: list[Board]) -> None:
    boards[0]["panels"][0]["links"] = [{"title": "away", "url": "/d/palmonas-away?${__url_time_range}"}]


def forget_alert(boards: list[Board]) -> None:
    for panel in boards[2]["panels"]:
        panel["description"] = panel.get("description", "").replace("ConnectionPoolLeak", "ConnectionPoolLoss")


@pytest.mark.parametrize(
    ("breach", "complaint"),
    [
        (lead_astray, "palmonas-overview: a link leads to palmonas-away, which is no dashboard"),
        (
            forget_alert,
            "alert ConnectionPoolLeak leads to palmonas-pools, where no panel says that it is watched by it",
        ),
        (forget_alert, "palmonas-pools: a panel is watched by ConnectionPoolLoss, which is no alert"),
        (lambda boards: boards.pop(2), "leads to the dashboard palmonas-pools, which does not exist"),
    ],
)
def test_breach_of_the_set_is_found(breach: Callable[[list[Board]], None], complaint: str) -> None:
    boards = copy.deepcopy(BOARDS)
    breach(boards)
    assert any(complaint in problem for problem in check_set(boards, read_alerts()))


def test_reasons_for_empty_panels_are_read_back() -> None:
    assert [board["uid"] for board in BOARDS[:1]] == ["palmonas-overview"]
    titles = {panel["id"]: panel["title"] for panel in BOARDS[0]["panels"]}
    reasons = {titles[number]: reason for number, reason in find_reasons(BOARDS[0]).items()}
    assert reasons["Firing now"] == "no alert fires"
    assert "Alerts firing" not in reasons


def lint(path: Path) -> str:
    return CliRunner().invoke(dashboards, ["lint", str(path)], catch_exceptions=False).output


def test_command_lints_anyones_file(tmp_path: Path) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(BOARDS[0]), encoding="utf-8")
    assert "keep the house rules" in lint(path)
    path.write_text(json.dumps({"title": "theirs", "panels": []}), encoding="utf-8")
    with pytest.raises(UsageError, match="breaches"):
        lint(path)


@pytest.mark.parametrize(("text", "complaint"), [("{", "is not JSON"), ("[]", "is not a dashboard")])
def test_command_says_what_is_wrong_with_a_file(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        lint(path)
    with pytest.raises(UsageError, match="cannot read"):
        lint(tmp_path / "missing.json")


def test_every_area_of_the_alerts_is_a_part_of_the_overview() -> None:
    areas = {alert.labels["area"].replace("channels", "orders") for alert in read_alerts()}
    assert areas == set(SIGNALS)


def test_every_label_that_tells_of_what_an_alert_is_stands_in_the_tables() -> None:
    # What every alert has, what is its name, and what is not the alert's but its expression's.
    others = {"alertname", "alertstate", "severity", "area", "role", "state"}
    for alert in read_alerts():
        labels = Reader(known_metrics()).read(alert.expr) | alert.labels.keys()
        assert labels <= others | set(SUBJECT), alert.name


def test_titles_of_numbers_fit_their_panels() -> None:
    longest = 24  # characters; at 1,440 pixels, with the sign of its description
    titles = [panel["title"] for board in BOARDS for panel in board["panels"] if panel["type"] == "stat"]
    assert [title for title in titles if len(title) >= longest] == []
