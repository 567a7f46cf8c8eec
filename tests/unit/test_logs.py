"""Logs in one place (containers/logs): the dashboard, the data source, and what compose.yml and Alloy agree on.

No Loki, Alloy or Grafana runs here: what they make of these files is not proven.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from dashboards.logs import PATH, build
from dashboards.schema import find_faults

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "containers/logs"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
ALLOY = (FOLDER / "config.alloy").read_text(encoding="utf-8")


def test_the_dashboard_is_what_grafana_takes() -> None:
    board = json.loads((ROOT / PATH).read_text(encoding="utf-8"))
    assert board == build()
    assert find_faults(board) == []
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"] == {"type": "loki", "uid": "${logs}"}
    assert sum(panel["gridPos"]["w"] for panel in board["panels"]) % 24 == 0


def read_stages() -> list[tuple[str, str]]:
    """The stages of Alloy's pipeline, in order: kind and body."""
    return re.findall(r"^  stage\.(\w+) \{\n(.+?)^  \}", ALLOY, re.MULTILINE | re.DOTALL)


def test_the_dashboard_asks_for_labels_that_alloy_gives() -> None:
    found = [re.search(r"values = \{(.+)\}", body) for kind, body in read_stages() if kind == "labels"]
    given = {name for one in found if one for name in re.findall(r"(\w+) = ", one[1])}
    text = json.dumps(build())
    used = set(re.findall(r'(\w+)=~\\"', text)) | set(re.findall(r"label_values\((\w+)\)", text))
    used |= set(re.findall(r"sum by \((\w+)\)", text))
    assert used
    assert used <= given


def test_alloy_reads_what_docker_and_our_lines_have() -> None:
    kinds = [kind for kind, _ in read_stages()]
    assert kinds == ["json", "labels", "timestamp", "output", "json", "labels", "timestamp"]
    around, ours = (set(re.findall(r'= "(.+?)"[,}]', body)) for kind, body in read_stages() if kind == "json")
    assert around == {"log", "time", r"attrs.\"com.docker.compose.service\"", "attrs.tag"}
    options = COMPOSE["x-logging"]["options"]
    assert (options["labels"], options["tag"]) == ("com.docker.compose.service", "{{.Name}}")
    assert ours == {"level", "time"}
    source = (ROOT / "app/log.py").read_text(encoding="utf-8")
    assert all(f'log_data["{field}"]' in source for field in ours)


def test_blocks_of_alloy_are_closed() -> None:
    assert ALLOY.count("{") == ALLOY.count("}")
    written = set(re.findall(r'^([a-z_.]+) "(\w+)" \{', ALLOY, re.MULTILINE))
    named = re.findall(r"(?:\[|= +)((?:loki|local)\.[a-z_]+(?:\.file)?)\.(\w+)\.(?:receiver|targets)", ALLOY)
    assert len(named) == 4
    assert set(named) <= written


def test_one_address_is_meant() -> None:
    loki = yaml.safe_load((FOLDER / "loki.yml").read_text(encoding="utf-8"))
    address = f"http://loki:{loki['server']['http_listen_port']}"
    (source,) = yaml.safe_load((FOLDER / "datasource.yml").read_text(encoding="utf-8"))["datasources"]
    assert source["url"] == address
    assert (source["uid"], source["isDefault"], source["editable"]) == ("loki", False, False)
    assert f'"{address}/loki/api/v1/push"' in ALLOY


def test_the_agent_has_the_lines_and_not_the_engine() -> None:
    service = COMPOSE["services"]["alloy"]
    mounts = [mount.split(":") for mount in service["volumes"]]
    assert not any("docker.sock" in mount for mount in service["volumes"])
    assert [mount[-2:] for mount in mounts if mount[-1] == "ro"][-1] == ["/var/log/containers", "ro"]
    assert '"/var/log/containers/*/*-json.log"' in ALLOY
    assert "ports" not in service
    assert "ports" not in COMPOSE["services"]["loki"]


def test_grafana_is_given_the_dashboard_and_the_source() -> None:
    mounts = dict(mount.split(":")[:2] for mount in COMPOSE["services"]["grafana"]["volumes"])
    inside = {name.removeprefix("./"): path for name, path in mounts.items()}
    assert inside["containers/logs/datasource.yml"].startswith("/etc/grafana/provisioning/datasources/")
    assert inside["containers/logs/dashboards.yml"].startswith("/etc/grafana/provisioning/dashboards/")
    ours, theirs = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))["providers"][0]
        for name in ("containers/logs/dashboards.yml", "grafana/provisioning/dashboards/palmonas.yml")
    )
    assert inside[str(PATH)] == f"{ours['options']['path']}/{PATH.name}"
    assert {**ours, "name": "", "options": {}} == {**theirs, "name": "", "options": {}}
    # What is mounted must not lie in what is mounted before it and cannot be written.
    places = sorted(inside.values())
    assert not any(other.startswith(f"{place}/") for place in places for other in places if place != "/var/lib/grafana")
