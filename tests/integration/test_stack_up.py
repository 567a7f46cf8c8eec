"""The whole stack, as a user starts it: up, demo orders, second up, a crash, a taken port, down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stack.layout import load_layout
from stack.monitoring import fetch_targets
from stack.pages import fetch_page
from stack.processes import find_free_port, is_alive, is_port_taken, wait_until

PALMONAS = Path(sys.prefix) / "bin" / "palmonas"
ALWAYS = {
    *("postgresql", "redis", "api-console-1", "worker-ingest", "worker-tasks", "dispatcher", "exporter"),
    *("haproxy", "api-accept-1", "api-accept-2", "prometheus", "alertmanager"),
}


@dataclass
class Stack:
    state: Path
    port: int

    def run(self, *arguments: str, deadline_s: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"PALMONAS_STATE": str(self.state), "PALMONAS_PORT": str(self.port), **environment}
        return subprocess.run(
            [PALMONAS, *arguments],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
        )

    def read_status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return answer

    def read_process(self, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.read_status()["processes"] if one["name"] == name)
        return dict(found)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    directory = Path(tempfile.mkdtemp(prefix="palmonas-up-"))
    directory.chmod(0o711)
    running = Stack(directory / "state", find_free_port())
    try:
        started = running.run("up", "--detach", "--demo", deadline_s=300)
        assert started.returncode == 0, started.stdout + started.stderr
        lines = [line.split() for line in started.stdout.splitlines()]
        for channel in ("shopify", "woocommerce", "standard"):
            assert [channel, "20", "20", "20"] in lines
        yield running
    finally:
        running.run("down", deadline_s=180)
        shutil.rmtree(directory, ignore_errors=True)


def test_everything_runs_and_is_healthy(stack: Stack) -> None:
    status = stack.read_status()
    assert status["healthy"] is True
    processes = {one["name"]: one for one in status["processes"]}
    assert processes.keys() >= ALWAYS
    assert {one["state"] for one in processes.values()} <= {"RUNNING", "STARTING"}
    assert {one["health"] for one in processes.values()} == {"ok"}


def test_prometheus_scrapes_every_process(stack: Stack) -> None:
    layout = load_layout(stack.state)
    assert layout

    def all_up() -> bool:
        targets = fetch_targets(layout) or {}
        return targets.keys() >= ALWAYS - {"postgresql", "redis"} and set(targets.values()) == {"up"}

    assert wait_until(all_up, 45, pause_s=0.5), fetch_targets(layout)


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    files = [*(stack.state / "secrets").iterdir(), *stack.state.glob("*/*.password"), stack.state / "supervisord.conf"]
    assert len(files) >= 9
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_a_second_up_says_so(stack: Stack) -> None:
    again = stack.run("up", "--demo")
    assert again.returncode == 0
    assert "is up already" in again.stdout


def test_the_front_door_hides_metrics(stack: Stack) -> None:
    answer = fetch_page(f"http://127.0.0.1:{stack.port}/metrics", 5)
    assert answer is not None
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["worker-ingest", "api-accept-1", "postgresql"])
def test_a_killed_process_comes_back_and_is_counted(stack: Stack, name: str) -> None:
    before = stack.read_process(name)
    os.kill(before["pid"], signal.SIGKILL)

    def is_back() -> bool:
        now = stack.read_process(name)
        return bool(now["pid"] not in (0, before["pid"]) and now["health"] == "ok" and now["restarts"] > 0)

    assert wait_until(is_back, 45, pause_s=0.5), stack.read_process(name)
    assert json.loads((stack.state / "restarts.json").read_text())[name] >= before["restarts"] + 1


def test_logs_are_shown_by_name(stack: Stack) -> None:
    shown = stack.run("logs", "dispatcher", "--lines", "1")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["process"] == "dispatcher"
    unknown = stack.run("logs", "nobody")
    assert unknown.returncode == 1
    assert "there is no log of 'nobody'; there are: " in unknown.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = Stack(tmp_path, port).run("up", "--detach")
    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["status", "down"])
def test_commands_say_when_nothing_is_up(tmp_path: Path, command: str) -> None:
    refused = Stack(tmp_path, 4000).run(command)
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith("start it with: make up")


def test_down_leaves_nothing_running(stack: Stack) -> None:
    status = stack.read_status()
    pids = [one["pid"] for one in status["processes"]]
    stopped = stack.run("down", deadline_s=180)
    assert stopped.returncode == 0, stopped.stderr
    assert "were killed" not in stopped.stdout
    assert [pid for pid in pids if is_alive(pid)] == []
    assert [port for port in status["ports"].values() if is_port_taken(port)] == []
