"""compose.yml, and what it mounts: every service bounded and without rights, one list of settings, one list of jobs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import PREFIX, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, one in SERVICES.items() if "secrets-app:/run/palmonas:ro" in one.get("volumes", ())}
every_service = pytest.mark.parametrize("name", SERVICES)
# Made by the image, by `palmonas containers prepare`, or by compose.yml itself.
MADE = {
    *("DATABASE_URL", "REDIS_URL", "ROLES", "INSTANCE", "LISTEN_HOST", "PORT", "METRICS_HOST", "METRICS_PORT"),
    *("TRUSTED_PROXIES", "PROMETHEUS_URL", "ALERTMANAGER_URL", "PREVIEW_DIR", "CONSOLE_DIR", "RESTARTS_FILE"),
    *("SECRETS_DIR", "LEAVE_S", "DATABASE_REPLICA_URL", "REPLICA_LAG_S", "DOCKER_SOCKET"),
}


@every_service
def test_a_service_has_no_right_it_could_do_without(name: str) -> None:
    one = SERVICES[name]
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert "privileged" not in one
    assert one["read_only"] or name == "console-dev", "vite writes beside the libraries"


@every_service
def test_a_service_is_bounded(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert SERVICES[name]["logging"]["options"].items() >= {"max-size": "10m", "max-file": "3"}.items()


@every_service
def test_a_service_runs_on_and_says_how_it_is_or_runs_once(name: str) -> None:
    one = SERVICES[name]
    if one["restart"] == "no":
        assert one["healthcheck"] == {"disable": True}
        return
    assert one["restart"] == "always"
    # The image of ours brings its own.
    assert "test" in one.get("healthcheck", {}) or name in OURS
    for needed in one.get("depends_on", {}).values():
        assert needed["condition"] in ("service_healthy", "service_completed_successfully")


@every_service
def test_images_are_pinned_by_a_tag(name: str) -> None:
    image = re.sub(r"^\$\{\w+:-(.+)\}$", r"\1", SERVICES[name]["image"])
    assert re.search(r":v?\d[\w.-]*$", image), image


def test_only_the_front_door_is_published_beyond_loopback() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    front = published.pop("haproxy")
    assert [port.endswith(":4000") or port.startswith("127.0.0.1:") for port in front] == [True, True]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["palmonas-network"] == {"internal": True}


def test_no_password_stands_in_the_files() -> None:
    for name, one in SERVICES.items():
        for key, value in (one.get("environment") or {}).items():
            if re.search("PASS|SECRET|TOKEN|KEY", key):
                assert value is None or str(value).startswith("/run/"), f"{name}: {key}"


def test_every_setting_reaches_our_processes() -> None:
    passed = {name for name, value in COMPOSE["x-environment"].items() if value is None}
    assert passed == {PREFIX + one.name for one in SETTINGS} - {PREFIX + name for name in MADE}


# What the local stack does not have, or has without an exporter of its own.
CONTAINERS_ALONE = ("postgresql-replica", "loki", "alloy")


def test_prometheus_has_the_same_jobs_and_limits_in_containers() -> None:
    native, containers = (
        yaml.safe_load((ROOT / "prometheus" / name).read_text(encoding="utf-8"))
        for name in ("prometheus.yml", "prometheus.compose.yml")
    )
    assert containers["global"] == native["global"]
    assert containers["rule_files"] == native["rule_files"]
    # How targets are found differs, and what they are called follows from it.
    own = {"file_sd_configs", "dns_sd_configs", "static_configs", "relabel_configs"}
    jobs = [
        [{key: value for key, value in job.items() if key not in own} for job in one["scrape_configs"]]
        for one in (native, containers)
    ]
    assert [one for one in jobs[1] if one not in jobs[0]] == [{"job_name": name} for name in CONTAINERS_ALONE]
    assert [one for one in jobs[1] if one in jobs[0]] == jobs[0]


def test_prometheus_looks_for_services_that_exist() -> None:
    text = (ROOT / "prometheus" / "prometheus.compose.yml").read_text(encoding="utf-8")
    named = {name for names in re.findall(r"names: \[(.+?)\]", text) for name in names.split(", ")}
    named |= set(re.findall(r"'(?:http://)?([a-z-]+):\d+", text))
    assert named <= set(SERVICES)
    assert {name for name in SERVICES if re.match("api-(accept|console)|worker|dispatcher|exporter", name)} <= named
