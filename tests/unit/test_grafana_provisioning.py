"""What Grafana is started with: the data sources that panels ask, the folder they are in, and no open door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import PREFIX
from cli.grafana import FOLDER
from rules.scale import read_duration

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
BUILT_IN = {"-- Grafana --": "grafana"}  # its own annotations
DASHBOARDS_PATH = "/var/lib/grafana/dashboards"


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "grafana/provisioning" / name).read_text(encoding="utf-8"))
    assert document["apiVersion"] == 1
    return document


SOURCES = read("datasources/prometheus.yml")["datasources"]


def find_sources(value: Any) -> Iterator[dict[str, str]]:
    """Every reference to a data source, wherever in a dashboard it is: panels, queries, variables, annotations."""
    if isinstance(value, dict):
        if isinstance(value.get("datasource"), dict):
            yield value["datasource"]
        for one in value.values():
            yield from find_sources(one)
    elif isinstance(value, list):
        for one in value:
            yield from find_sources(one)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_data_source_of_a_dashboard_is_provisioned(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    provisioned = {source["uid"]: source["type"] for source in SOURCES} | BUILT_IN
    # A variable offers the sources of its type, the default one first.
    chosen = {one["name"]: one["query"] for one in board["templating"]["list"] if one["type"] == "datasource"}
    offered = {f"${{{name}}}": kind for name, kind in chosen.items() if kind in provisioned.values()}
    used = list(find_sources(board))
    assert len(used) > len(board["panels"])
    for source in used:
        assert {**provisioned, **offered}.get(source["uid"]) == source["type"], source


def test_one_data_source_is_the_default_and_none_is_edited_in_the_browser() -> None:
    assert [source["uid"] for source in SOURCES if source["isDefault"]] == ["prometheus"]
    assert not any(source["editable"] for source in SOURCES)


def test_the_scrape_interval_is_prometheus_own() -> None:
    prometheus = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (source,) = SOURCES
    told, scraped = source["jsonData"]["timeInterval"], prometheus["global"]["scrape_interval"]
    assert read_duration(told) == read_duration(scraped)


def test_dashboards_come_from_files_into_the_folder_that_push_uses() -> None:
    (provider,) = read("dashboards/palmonas.yml")["providers"]
    assert (provider["type"], provider["folderUid"], provider["allowUiUpdates"]) == ("file", FOLDER, False)
    assert provider["options"] == {"path": DASHBOARDS_PATH}


def test_the_door_is_shut_and_the_password_comes_from_a_file() -> None:
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / "grafana/grafana.ini", encoding="utf-8")
    assert not settings.getboolean("auth.anonymous", "enabled")
    assert not settings.getboolean("users", "allow_sign_up")
    assert settings["security"]["admin_password"].startswith("$__file{/run/secrets/")
    home = settings["dashboards"]["default_home_dashboard_path"]
    assert (ROOT / "grafana/dashboards" / home.removeprefix(f"{DASHBOARDS_PATH}/")).is_file()
    text = (ROOT / "docs/grafana.md").read_text(encoding="utf-8")
    for said in ("grafana_admin_password", "PROMETHEUS_URL", DASHBOARDS_PATH):
        assert said in text
    assert f"{PREFIX}PROMETHEUS_URL" not in text  # that one is the service's own
