"""Processes that are started with settings that do not fit: one sentence, an exit code, nothing secret."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping

import pytest

from tests.service import PALMONAS

SECRET = "8Jx2vQm4Rk7Tz1Wn"  # of nothing that runs
PROCESSES = {
    "api": ("api",),
    "worker": ("worker", "--queue", "ingest"),
    "dispatcher": ("dispatcher",),
    "exporter": ("exporter",),
}
every_process = pytest.mark.parametrize("name", PROCESSES)


def run(name: str, settings: Mapping[str, str]) -> str:
    """What a process that cannot start says; fails when it starts, or says it with a traceback."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PALMONAS_")}
    environ = clean | {f"PALMONAS_{key}": value for key, value in settings.items()}
    done = subprocess.run([*PALMONAS, *PROCESSES[name]], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr + done.stdout
    return done.stderr


def good(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SHOPIFY_SECRETS": f"{SECRET}-shop"}


@every_process
def test_a_missing_setting_is_named(name: str) -> None:
    said = run(name, {})
    assert said.startswith("palmonas: PALMONAS_DATABASE_URL is not set")
    assert said.count("\n") == 1


@every_process
def test_a_weak_password_is_refused_and_not_shown(name: str) -> None:
    said = run(name, {"DATABASE_URL": "postgresql://u:postgres@127.0.0.1/orders", "REDIS_URL": "redis://:x@127.0.0.1"})
    assert said.startswith("palmonas: PALMONAS_DATABASE_URL (not shown) is a default or shorter than 16 characters")
    assert said.count("\n") == 1


@every_process
def test_a_port_for_metrics_that_is_taken_is_named(name: str, database_url: str, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run(name, good(database_url, redis_url) | {"METRICS_PORT": str(port)})
    assert f"port {port} on 127.0.0.1 for /metrics cannot be used" in said
    assert "set PALMONAS_METRICS_PORT" in said


def test_a_port_of_the_api_that_is_taken_is_named(database_url: str, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("api", good(database_url, redis_url) | {"PORT": str(port)})
    assert f"Connection in use: ('127.0.0.1', {port})" in said


def test_an_api_without_a_channel_says_so(database_url: str, redis_url: str) -> None:
    said = run("api", good(database_url, redis_url) | {"SHOPIFY_SECRETS": ""})
    assert said.startswith("palmonas: no channel has a secret")
