"""The stack of compose.yml on an engine, with stand-ins for the images of others."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from stack.processes import find_free_port
from tests.containers.engine import ROOT, TOOLS, Engine, run

OVERRIDE = Path(__file__).parent / "compose.override.yml"
IMAGES = {target: f"palmonas-test/{target}" for target in ("service", "tools", "load", "console")}
BUILD_DEADLINE_S = 1800.0
UP_DEADLINE_S = 420.0
PORTS = ("PORT", "HAPROXY_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "GRAFANA_PORT", "LOCUST_PORT", "CONSOLE_PORT")


@dataclass
class Stack:
    """One project of compose. `files` are put over compose.yml and the stand-ins, in this order."""

    engine: Engine
    project: str = "palmonas-test"
    files: Sequence[Path] = ()
    settings: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {name: find_free_port() for name in PORTS})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PORT']}"

    @property
    def prometheus(self) -> str:
        return f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}"

    @property
    def alertmanager(self) -> str:
        return f"http://127.0.0.1:{self.ports['ALERTMANAGER_PORT']}"

    @property
    def environment(self) -> dict[str, str]:
        own = {f"PALMONAS_{name}": str(port) for name, port in self.ports.items()}
        kept = {name: value for name, value in self.engine.environment.items() if not name.startswith("PALMONAS_")}
        images = {f"PALMONAS_{target.upper()}_IMAGE": image for target, image in IMAGES.items()}
        images["PALMONAS_IMAGE"] = images.pop("PALMONAS_SERVICE_IMAGE")
        engine = {"PALMONAS_DOCKER_SOCKET": self.engine.address.removeprefix("unix://")}
        engine["PALMONAS_DOCKER_DATA"] = self.engine.find_data()
        return {**kept, **own, **images, **engine, **self.settings}

    def build(self, *targets: str) -> None:
        """Our images, by the engine's own builder; `targets` beside the service's: tools, load, console."""
        bases = ["--build-arg", "PYTHON_IMAGE=palmonas-test/python", "--build-arg", "NODE_IMAGE=palmonas-test/node"]
        for target in ("service", *targets):
            self.engine.run(
                *("build", "--quiet", "--target", target, *bases, "--tag", IMAGES[target], "."),
                deadline_s=BUILD_DEADLINE_S,
            )

    def compose(
        self, *arguments: str, deadline_s: float = 120.0, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """One compose command. Raises UsageError with what it said when it fails."""
        files = [ROOT / "compose.yml", OVERRIDE, *self.files]
        command = [str(find_compose()), "--project-name", self.project, "--progress", "quiet"]
        command += [part for file in files for part in ("--file", str(file))]
        return run([*command, *arguments], self.environment, deadline_s=deadline_s, check=check, stdin=stdin)

    def start(self, *services: str) -> None:
        """Everything (or `services` and what they need) up and healthy."""
        wait = ["--wait", "--wait-timeout", str(int(UP_DEADLINE_S))]
        self.compose("up", "--detach", "--no-build", *wait, *services, deadline_s=UP_DEADLINE_S + 60)

    def stop(self) -> None:
        """Everything down, volumes too."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "30", deadline_s=300)

    def ps(self) -> list[dict[str, Any]]:
        """Every container, running or not, as `compose ps` tells it: Name, Service, State, Health, ExitCode."""
        lines = self.compose("ps", "--all", "--format", "json").stdout.splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def list_containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).stdout.split()

    def execute(self, service: str, *command: str, deadline_s: float = 60.0) -> str:
        """What `command` in a container of `service` prints."""
        return self.compose("exec", "-T", service, *command, deadline_s=deadline_s).stdout

    def read_secret(self, name: str) -> str:
        """A secret of the service, such as admin.token or shopify_secrets."""
        return self.execute("api-console", "cat", f"/run/palmonas/{name}").strip()


def ask_prometheus(stack: Stack, query: str) -> list[dict[str, Any]]:
    """The series that a query finds now."""
    answer = requests.get(f"{stack.prometheus}/api/v1/query", params={"query": query}, timeout=30)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def read_settings(name: str) -> dict[str, str]:
    """What `--env-file containers/<name>.env` sets."""
    lines = (ROOT / "containers" / f"{name}.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def find_compose() -> Path:
    """PALMONAS_TEST_COMPOSE, else what `make test-containers` installed."""
    return Path(os.environ.get("PALMONAS_TEST_COMPOSE") or TOOLS / "bin" / "docker-compose")
