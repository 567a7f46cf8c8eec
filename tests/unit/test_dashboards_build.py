"""What is generated is what is committed, and building it again changes nothing."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.errors import PalmonasError, UsageError
from cli.dashboards import dashboards
from dashboards import catalogue
from dashboards.coverage import find_reasons
from dashboards.dress import CHANNELS
from dashboards.frame import NEXT, OVERVIEW, TITLES, following
from dashboards.lint import lint_dashboard
from dashboards.schema import find_faults

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> str:
    return CliRunner().invoke(dashboards, arguments, catch_exceptions=False).output


def test_committed_files_are_up_to_date() -> None:
    assert catalogue.find_drift(ROOT) == [], "run `palmonas dashboards build` and commit what it writes"
    assert "up to date" in run("build", "--check")


def test_build_is_deterministic() -> None:
    assert catalogue.generate() == catalogue.generate()


def test_build_writes_mends_and_removes(tmp_path: Path) -> None:
    told = run("build", "--root", str(tmp_path))
    others = {"metrics.md", "alerts.md", "palmonas-logs.json"}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in written} == {f"{uid}.json" for uid in TITLES} | others
    assert f"{len(written)} files changed" in told
    assert catalogue.find_drift(tmp_path) == []
    edited = tmp_path / "grafana/dashboards/palmonas-pools.json"
    original = edited.read_text(encoding="utf-8")
    edited.write_text(original.replace('"h": 4', '"h": 5'), encoding="utf-8")
    left_over = tmp_path / "grafana/dashboards/retired.json"
    left_over.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"palmonas-pools\.json.*retired\.json.*palmonas dashboards build"):
        run("build", "--check", "--root", str(tmp_path))
    assert "removed grafana/dashboards/retired.json" in run("build", "--root", str(tmp_path))
    assert edited.read_text(encoding="utf-8") == original
    assert not left_over.exists()


def test_uids_and_titles_are_the_registered_ones() -> None:
    assert {board["uid"]: board["title"] for board in catalogue.build_dashboards()} == TITLES


@pytest.mark.parametrize("path", sorted((ROOT / "grafana/dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_first_screen_answers_and_links_lead_on(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    assert [panel["type"] for panel in board["panels"][:6]] == ["stat"] * 6
    assert [link["url"] for link in board["links"]] == [f"/d/{uid}" for uid in following(path.stem)]
    assert all(link["keepTime"] and not link["includeVars"] for link in board["links"])


def test_every_dashboard_is_one_step_from_the_overview_and_leads_back() -> None:
    assert set(following(OVERVIEW)) == TITLES.keys() - {OVERVIEW}
    for uid in TITLES.keys() - {OVERVIEW}:
        assert following(uid)[0] == OVERVIEW
        assert set(following(uid)) <= TITLES.keys() - {uid}


def test_a_line_leads_to_its_instance_where_the_detail_is() -> None:
    boards = {board["uid"]: board for board in catalogue.build_dashboards()}
    found = {
        panel["title"]: panel["fieldConfig"]["defaults"]["links"][0]["url"]
        for panel in boards["palmonas-load"]["panels"]
        if panel["type"] == "timeseries" and panel["fieldConfig"]["defaults"].get("links")
    }
    instance = "?${__url_time_range}&var-instance=${__field.labels.instance}"
    assert found["Event loop lag, 99th percentile"] == f"/d/palmonas-api{instance}"
    assert found["The client's own processor"] == f"/d/palmonas-load{instance}"
    assert "Users by kind" not in found


def test_a_panel_leads_to_the_runbooks_of_its_alerts() -> None:
    panels = catalogue.build_dashboards()[0]["panels"]
    watched = next(panel for panel in panels if panel["title"] == "Processes down")
    assert [link["url"] for link in watched["links"]] == ["${runbook_base}docs/runbooks/PalmonasApiDown.md"]


SETTINGS = """
areas: [api, queues]
thresholds: {job_age_page: 1234, disk_left_page: 0.2, accept_p99: 0.5}
slos: {accept_latency: {seconds: 0.5}}
"""


def test_another_team_gets_lines_at_its_own_thresholds(tmp_path: Path) -> None:
    settings, out = tmp_path / "mine.yml", tmp_path / "mine"
    settings.write_text(SETTINGS, encoding="utf-8")
    assert f"{len(TITLES)} files changed" in run("build", "--settings", str(settings), "--out", str(out))
    boards = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in out.iterdir()}
    assert boards.keys() == TITLES.keys()
    assert [problem for board in boards.values() for problem in lint_dashboard(board)] == []
    steps = {uid: find_steps(board) for uid, board in boards.items()}
    assert steps["palmonas-queues"]["Oldest waiting job"] == [None, 300, 1234]
    assert steps["palmonas-overview"]["Oldest waiting job"] == [None, 300, 1234]
    assert steps["palmonas-overview"]["Accept, p99"] == [None, 0.5, 1]
    assert steps["palmonas-host"]["Fullest disk"][-1] == 0.8
    texts = {panel["title"]: panel.get("description", "") for panel in boards["palmonas-slo"]["panels"]}
    assert "answered within 500 ms" in texts["Left: latency"]
    parts = next(panel for panel in boards["palmonas-overview"]["panels"] if panel["type"] == "state-timeline")
    assert '"area", "queues"' in parts["targets"][0]["expr"]
    assert '"area", "redis"' not in parts["targets"][0]["expr"]
    # What was built before and after is as shipped.
    assert [path for path in catalogue.find_drift(ROOT) if path.suffix == ".json"] == []
    assert "up to date" in run("build", "--check", "--settings", str(settings), "--out", str(out))


def test_a_channel_has_one_colour_everywhere() -> None:
    channels = {path.name for path in (ROOT / "app/channels").iterdir() if (path / "__init__.py").exists()}
    found = {}
    for board in catalogue.build_dashboards():
        for panel in board["panels"]:
            if any(target["legendFormat"] == "{{channel}}" for target in panel.get("targets", [])):
                overrides = panel["fieldConfig"]["overrides"]
                found[panel["title"]] = {
                    one["matcher"]["options"]: one["properties"][0]["value"]["fixedColor"] for one in overrides
                }
    assert {"Accepted by channel", "Stored by channel"} <= found.keys()
    assert all(colors == CHANNELS for colors in found.values())
    assert channels | {"unknown"} == CHANNELS.keys()
    assert len(set(CHANNELS.values())) == len(CHANNELS)


def find_steps(board: dict[str, Any]) -> dict[str, list[float | None]]:
    """The values at which the panels of a board change their colour, by title."""
    return {
        panel["title"]: [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for panel in board["panels"]
        if panel["type"] in {"stat", "timeseries"} and "thresholds" in panel["fieldConfig"]["defaults"]
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--settings", "mine.yml"], "--settings needs --out"),
        (["--root", "/", "--out", "mine"], "two places"),
        (["--settings", "nowhere.yml", "--out", "mine"], "cannot read nowhere.yml"),
    ],
)
def test_options_that_do_not_go_together_are_one_sentence(options: list[str], sentence: str) -> None:
    with pytest.raises(PalmonasError, match=sentence):
        run("build", *options)


def test_unwritable_root_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "grafana").write_text("a file where a directory should be", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write"):
        run("build", "--root", str(tmp_path))


def test_the_page_lists_every_dashboard_with_its_question() -> None:
    page = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")
    rows = [
        f"| {board['title'].removeprefix('Palmonas: ')} (`{board['uid']}`) | {board['description']} |"
        for board in catalogue.build_dashboards()
    ]
    assert "\n".join(rows) + "\n\n" in page


def test_the_example_of_the_page_is_a_dashboard_that_keeps_the_rules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")
    module = tmp_path / "doorbell.py"
    module.write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    monkeypatch.setitem(TITLES, "palmonas-doorbell", "Palmonas: doorbell")
    monkeypatch.setitem(NEXT, "palmonas-doorbell", ("redis", "queues"))
    board = runpy.run_path(str(module))["build"]()
    assert find_faults(board) == []
    assert lint_dashboard(board) == []
    assert list(find_reasons(board).values()) == ["nobody has sent anything yet"] * 3
