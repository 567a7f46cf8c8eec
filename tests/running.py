"""The whole stack as a user has it, by `palmonas` alone: one for all the tests that need it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from stack.processes import find_free_port

PALMONAS = Path(sys.prefix) / "bin" / "palmonas"


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

    def ensure_demo(self) -> None:
        """Start it with 20 orders of each channel, all stored; nothing to do when it is up."""
        if self.run("status").returncode == 0:
            return
        started = self.run("up", "--detach", "--demo", deadline_s=300)
        assert started.returncode == 0, started.stdout + started.stderr
        lines = [line.split() for line in started.stdout.splitlines()]
        for channel in ("shopify", "woocommerce", "standard"):
            assert [channel, "20", "20", "0", "20"] in lines
        assert ["amazon", "20", "0", "20", "20"] in lines
        assert "shipped here" in started.stdout

    def read_status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return answer

    def call_api(self, method: str, path: str, **options: Any) -> requests.Response:
        token = (self.state / "secrets" / "admin.token").read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = requests.request(method, url, headers=headers, timeout=10, **options)
        answer.raise_for_status()
        return answer

    def read_process(self, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.read_status()["processes"] if one["name"] == name)
        return dict(found)


@contextmanager
def make_stack(name: str) -> Iterator[Stack]:
    """The place of a stack of one's own, on a free port; it is stopped and deleted at the end, if it was started."""
    directory = Path(tempfile.mkdtemp(prefix=f"palmonas-{name}-"))
    directory.chmod(0o711)  # the servers' user has to pass through
    made = Stack(directory / "state", find_free_port())
    try:
        yield made
    finally:
        made.run("down", deadline_s=240)
        shutil.rmtree(directory, ignore_errors=True)
