"""Processes beside those of the supervisor, each with a target of its own for Prometheus."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from drills.stand import Stand
from stack.layout import ROOT
from stack.processes import find_free_port
from stack.programs import palmonas_command, write_settings

STOP_DEADLINE_S = 30.0


@contextmanager
def run_beside(
    stand: Stand, instance: str, port: int, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command`, whose metrics are on `port`, as one more worker called `instance`; SIGTERM at the end.

    Prometheus forgets it before it ends, as with a discovery that follows a scale-down.
    """
    path = stand.layout.state / "prometheus/targets/palmonas-worker.json"
    good = path.read_text(encoding="utf-8")
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
    with stand.layout.log_of(instance).open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        path.write_text(json.dumps([*json.loads(good), target]), encoding="utf-8")
        yield process
    finally:
        path.write_text(good, encoding="utf-8")
        process.terminate()
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_DEADLINE_S)


@contextmanager
def run_worker(stand: Stand, queue: str) -> Iterator[None]:
    """One more worker of `queue`: scaled up, and down again at the end."""
    port = find_free_port()
    environment = {
        **write_settings(stand.layout, stand.servers, demo=True),
        "PALMONAS_INSTANCE": f"worker-{queue}-beside",
        "PALMONAS_METRICS_PORT": str(port),
    }
    command = [*palmonas_command(), "worker", "--queue", queue]
    with run_beside(stand, f"worker-{queue}-beside", port, command, environment):
        yield
