"""Load while a drill runs: locustfile.py of the repository, headless, against the private stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stack.layout import ROOT, STATE_VARIABLE, Layout

USERS = 1  # ten deliveries a second
LONGEST = "3h"  # should we be killed with -9 and leave it behind
STOP_DEADLINE_S = 15.0
HEALTHY = ("--tags", "channels", "--forged", "0")  # a wrong signature is a fault, and told as one


@contextmanager
def run_load(layout: Layout, users: int = USERS, options: Sequence[str] = HEALTHY) -> Iterator[subprocess.Popen[bytes]]:
    """Locust in the background while the block runs; its output goes to locust.log among the stack's logs."""
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(ROOT / "locustfile.py"), "--headless"),
        *("--host", layout.base_url, "--users", str(users), "--spawn-rate", str(users), "--run-time", LONGEST),
        *("--only-summary", "--loglevel", "ERROR", "--exit-code-on-error", "0", *options),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PALMONAS_")}
    with layout.log_of("locust").open("ab") as log:
        locust = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, STATE_VARIABLE: str(layout.state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield locust
    finally:
        locust.terminate()
        try:
            locust.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            locust.kill()
            locust.wait(STOP_DEADLINE_S)
