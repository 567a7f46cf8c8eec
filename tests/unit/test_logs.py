"""The logs add-on (deploy/logs): its dashboard, its data source, and what compose and Alloy agree on.

No Loki, Alloy or Grafana runs here: what they make of these files is not proven.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.logs import PATH, build
from dashboards.schema import find_faults

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/logs"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yml").read_text(encoding="utf-8"))
MAIN: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
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


def test_the_dashboard_asks_for_labels_that_alloy_gives() -> None:
    given = set(re.findall(r'target_label +=\s*"(\w+)"', ALLOY)) | {"level"}
    assert re.search(r"stage\.labels \{\s*values = \{level = \"\"\}", ALLOY)
    text = json.dumps(build())
    used = set(re.findall(r'(\w+)=~\\"', text)) | set(re.findall(r"label_values\((\w+)\)", text))
    used |= set(re.findall(r"sum by \((\w+)\)", text))
    assert used
    assert used <= given


def test_alloy_reads_the_fields_that_our_lines_have() -> None:
    found = re.search(r"expressions = \{(.+)\}", ALLOY)
    assert found
    fields = set(re.findall(r'= "(\w+)"', found[1]))
    assert fields == {"level", "time"}
    source = (ROOT / "app/log.py").read_text(encoding="utf-8")
    assert all(f'log_data["{field}"]' in source for field in fields)


def test_blocks_of_alloy_are_closed() -> None:
    assert ALLOY.count("{") == ALLOY.count("}")
    written = set(re.findall(r'^([a-z.]+) "(\w+)" \{', ALLOY, re.MULTILINE))
    for kind, name in re.findall(r"(?:\[|= +)((?:loki|discovery)\.[a-z]+)\.(\w+)\.(?:receiver|targets|rules)", ALLOY):
        assert (kind, name) in written


def test_one_address_is_meant() -> None:
    loki = yaml.safe_load((FOLDER / "loki.yml").read_text(encoding="utf-8"))
    address = f"http://loki:{loki['server']['http_listen_port']}"
    (source,) = yaml.safe_load((FOLDER / "datasource.yml").read_text(encoding="utf-8"))["datasources"]
    assert source["url"] == address
    assert (source["uid"], source["isDefault"], source["editable"]) == ("loki", False, False)
    assert f'"{address}/loki/api/v1/push"' in ALLOY


@pytest.mark.parametrize("name", ["loki", "alloy"])
def test_the_services_are_bounded_and_unprivileged(name: str) -> None:
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"grafana/\w+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert set(service["networks"]) <= MAIN["networks"].keys()
    assert "ports" not in service


def test_what_is_mounted_is_there() -> None:
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", ())]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(files) == 4
    assert all((ROOT / name).is_file() for name in files)
    assert "grafana" in MAIN["services"]
