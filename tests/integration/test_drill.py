"""One quick drill, as a user runs it: the API killed, on a private stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone
PALMONAS = Path(sys.prefix) / "bin" / "palmonas"
DRILL_DEADLINE_S = 280


def run(*arguments: str, deadline_s: float = DRILL_DEADLINE_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PALMONAS, "drill", *arguments],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )


def test_a_killed_api_process_is_one_notification() -> None:
    done = run("api-killed", "--no-record")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "api-killed: 1 notified" in done.stdout
    assert "api-killed: passed" in done.stdout


def test_an_unknown_drill_is_named() -> None:
    done = run("no-such-fault", deadline_s=30)
    assert done.returncode == 1
    assert "there is no drill 'no-such-fault'; there are: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_drill_must_be_chosen() -> None:
    done = run(deadline_s=30)
    assert done.returncode == 1
    assert "name one or more drills, or say --all" in done.stderr
