"""The guards of tests/conftest.py: no sockets in unit tests, no skips in CI."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest


def test_a_unit_test_cannot_reach_a_server() -> None:
    with socket.socket() as probe, pytest.raises(AssertionError, match="move it to tests/integration"):
        probe.connect(("127.0.0.1", 1))
    with pytest.raises(AssertionError, match="move it to tests/integration"):
        psycopg2.connect("postgresql://a:b@127.0.0.1:1/x")


@pytest.mark.parametrize(("ci", "exit_code"), [("true", 1), ("", 0)])
def test_a_skip_fails_the_run_in_ci_only(tmp_path: Path, ci: str, exit_code: int) -> None:
    (tmp_path / "test_one.py").write_text("import pytest\ndef test_one():\n    pytest.skip('no reason')\n")
    root = Path(__file__).parents[2]
    arguments = ["-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(root), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert ("skipped tests count as failures" in done.stdout) == (ci == "true")
