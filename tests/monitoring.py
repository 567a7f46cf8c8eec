"""A Prometheus with our rules on a quick clock, and an Alertmanager with our routes, for tests that ask them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from rules.scale import render_scaled
from rules.settings import load_settings
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable

ROOT = Path(__file__).resolve().parents[1]
FACTOR = 15.0  # scrapes and evaluations come every second, not every 15
START_S = 20.0

Targets = Mapping[str, Mapping[str, int]]  # job, instance, port on loopback


class Server:
    """One server program in a directory of its own; may be killed and started again."""

    def __init__(self, name: str, directory: Path, arguments: list[str], port: int = 0) -> None:
        program = find_executable(name)
        assert program is not None, f"{name} is not installed: make tools, or apt-get install prometheus-{name}"
        self.port = port or find_free_port()
        self._log = directory / f"{name}.log"
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        self._command = [str(program), address, *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        assert wait_until(self._is_ready, START_S), self._log.read_text(encoding="utf-8")[-2000:]

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=1).ok
        except requests.RequestException:
            return False

    def send(self, number: signal.Signals) -> None:
        """SIGKILL is waited for; SIGSTOP and SIGCONT freeze and thaw."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait(10)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(15)


@contextmanager
def run_alertmanager(directory: Path) -> Iterator[Server]:
    """With the committed routes; its receivers send nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = f"--config.file={ROOT / 'prometheus/alertmanager.yml'}"
    server = Server(
        "alertmanager", directory, [configuration, f"--storage.path={directory}/data", "--cluster.listen-address="]
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def run_prometheus(directory: Path, targets: Targets, alertmanager: str = "", port: int = 0) -> Iterator[Server]:
    """With all our rules and alerts, `FACTOR` times as fast; `alertmanager` is host:port."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in render_scaled(load_settings(), FACTOR).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    (directory / "prometheus.yml").write_text(yaml.safe_dump(_configure(targets, alertmanager)), encoding="utf-8")
    arguments = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    server = Server("prometheus", directory, [*arguments, "--rules.alert.resend-delay=15s"], port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _configure(targets: Targets, alertmanager: str) -> dict[str, Any]:
    jobs = [
        {
            "job_name": job,
            "static_configs": [
                {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
                for instance, port in instances.items()
            ],
        }
        for job, instances in targets.items()
    ]
    managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/*.yml", "alerts/*.yml"],
        "alerting": {"alertmanagers": managers},
        "scrape_configs": jobs,
    }
