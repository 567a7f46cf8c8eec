"""Every alert is complete: labels, annotations, runbook, dashboard, panel, and tests both ways."""

import json
import re
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from cli.main import COMMANDS, palmonas
from rules.contract import Reader, known_metrics
from rules.files import Alert, read_alerts

ROOT = Path(__file__).resolve().parents[2]
ALERTS = read_alerts()
NAMES = sorted({alert.name for alert in ALERTS})
SECTIONS = [
    "What it means",
    "Who is hurt",
    "First look",
    "Find the cause",
    "Stop the bleeding",
    "Verify",
    "Escalate",
]
# It fires always, so that nothing can keep it silent.
ALWAYS_FIRING = {"Watchdog"}
TOOLS = {"palmonas", "docker", "curl", "psql", "redis-cli", "promtool", "amtool", "df", "du", "ps", "kill"}


def each_alert() -> list[object]:
    return [pytest.param(alert, id=f"{alert.name}-{alert.labels.get('severity')}") for alert in ALERTS]


@cache
def read_expectations() -> list[tuple[str, list[dict[str, object]]]]:
    """(alert, what is expected to fire) of every step of every promtool test."""
    found = []
    for path in sorted((ROOT / "prometheus/tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for step in test.get("alert_rule_test", []):
                found.append((step["alertname"], step["exp_alerts"]))
    return found


@pytest.mark.parametrize("alert", each_alert())
def test_alert_has_its_labels_and_annotations(alert: Alert) -> None:
    severities = {"none"} if alert.name in ALWAYS_FIRING else {"page", "warning", "info"}
    assert alert.labels["severity"] in severities
    assert alert.labels["area"] == Path(alert.file).stem
    assert alert.annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "$value" in alert.annotations["description"]
    assert alert.annotations["runbook_url"] == ("{{ $externalLabels.runbook_base }}" + f"docs/runbooks/{alert.name}.md")


@pytest.mark.parametrize("alert", each_alert())
def test_annotations_name_labels_that_are_there(alert: Alert) -> None:
    has = Reader(known_metrics()).read(alert.expr) | alert.labels.keys()
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(alert.annotations.values())))
    assert named <= has


@pytest.mark.parametrize("alert", each_alert())
def test_alert_leads_to_a_dashboard_that_exists(alert: Alert) -> None:
    url = alert.annotations["dashboard_url"]
    found = re.fullmatch(r"\{\{ \$externalLabels\.grafana_base \}\}/d/([a-z-]+)", url)
    assert found, url
    board = json.loads((ROOT / f"grafana/dashboards/{found[1]}.json").read_text(encoding="utf-8"))
    assert board["uid"] == found[1]
    described = " ".join(panel.get("description") or "" for panel in board["panels"])
    assert alert.name in ALWAYS_FIRING or re.search(rf"Watched by: .*\b{alert.name}\b", described)


@pytest.mark.parametrize("alert", each_alert())
def test_alert_is_tested_both_ways(alert: Alert) -> None:
    steps = [expected for name, expected in read_expectations() if name == alert.name]
    fired = [one for expected in steps for one in expected if one["exp_labels"]["severity"] == alert.labels["severity"]]
    assert fired, f"no promtool test makes {alert.name} ({alert.labels['severity']}) fire"
    for one in fired:
        assert one.keys() == {"exp_labels", "exp_annotations"}
        assert one["exp_annotations"].keys() == alert.annotations.keys()
    if alert.name not in ALWAYS_FIRING:
        assert [] in steps, f"no promtool test keeps {alert.name} silent"


@pytest.mark.parametrize("name", NAMES)
def test_runbook_has_every_section(name: str) -> None:
    text = (ROOT / f"docs/runbooks/{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for section in text.split("\n## ")[1:]:
        assert len(section.split("\n", 1)[1].strip()) > 20


@pytest.mark.parametrize("name", NAMES)
def test_runbook_names_only_what_exists(name: str) -> None:
    text = (ROOT / f"docs/runbooks/{name}.md").read_text(encoding="utf-8")
    for query in re.findall(r"```promql\n(.*?)\n```", text, re.DOTALL):
        reader = Reader(known_metrics())
        reader.read(query)
        assert reader.problems == []
    titles = read_panel_titles()
    for quoted in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        assert " ".join(quoted.split()) in titles | {"Status > Targets", "Alerts"}, (
            f"no panel or dashboard is called {quoted}"
        )
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "docs/runbooks" / link).is_file()


def read_panel_titles() -> set[str]:
    titles = set()
    for path in (ROOT / "grafana/dashboards").glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        titles |= {board["title"], *(panel["title"] for panel in board["panels"])}
    return titles


@pytest.mark.parametrize("name", NAMES)
def test_runbook_commands_exist_and_are_marked(name: str) -> None:
    text = (ROOT / f"docs/runbooks/{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for mark, commands in blocks:
        assert mark in {" read-only", " on the engine", " changes"}
        for line in commands.strip().splitlines():
            words = line.split()
            assert words[0] in TOOLS, line
            if words[0] == "palmonas":
                check_subcommand(words[1:])


def check_subcommand(words: list[str]) -> None:
    assert words[0] in COMMANDS
    command = palmonas.get_command(click.Context(palmonas), words[0])
    assert command is not None
    if isinstance(command, click.Group):
        assert words[1] in command.commands
        command = command.commands[words[1]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_no_runbook_without_an_alert() -> None:
    pages = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")} - {"README"}
    assert pages == set(NAMES)
