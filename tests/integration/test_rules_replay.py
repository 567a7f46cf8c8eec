"""A backtest over a real Prometheus, whose past was written by promtool."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.errors import PalmonasError
from cli.main import palmonas
from stack.pages import fetch_page
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable

STEP_S = 15
# Minutes of the past day in which instance "a" was down; the second time soon after the first.
OUTAGES = ((600, 610), (615, 617))
CANDIDATE = """
groups:
  - name: x
    rules:
      - {alert: Down, expr: up == 0, for: 30s, labels: {severity: page}}
      - {alert: Unknown, expr: never_seen == 0, labels: {severity: page}}
"""


def write_past(path: Path, end: int) -> None:
    """A day of `up` of two instances in OpenMetrics."""
    lines = ["# TYPE up gauge"]
    start = end - 86400
    for instance in ("a", "b"):
        for now in range(start, end, STEP_S):
            minute = (now - start) / 60
            down = instance == "a" and any(first <= minute < last for first, last in OUTAGES)
            lines.append(f'up{{job="palmonas-api",instance="{instance}",role="accept"}} {int(not down)} {now}')
    path.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("past")
    write_past(directory / "past.txt", int(time.time()) // STEP_S * STEP_S)
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", directory / "past.txt", directory / "data"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    (directory / "prometheus.yml").write_text("{}\n", encoding="utf-8")
    program = find_executable("prometheus")
    assert program is not None
    port = find_free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: (page := fetch_page(f"{url}/-/ready", 2)) is not None and page.ok, 30, pause_s=0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(palmonas, ["rules", "replay", *arguments])
    if isinstance(done.exception, PalmonasError):
        return f"error: {done.exception}"
    assert done.exit_code == 0, done.output
    return done.output


def test_a_candidate_is_tried_on_the_past(prometheus: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(CANDIDATE, encoding="utf-8")
    down, unknown = json.loads(run("--url", prometheus, "--file", str(tmp_path / "x.yml"), "--since", "23h", "--json"))
    # thirty seconds of each outage are its `for`
    assert [one["end"] - one["start"] for one in down["firings"]] == [
        pytest.approx(600 - 30, abs=STEP_S * 2),
        pytest.approx(120 - 30, abs=STEP_S * 2),
    ]
    assert (down["series"], down["flaps"], down["no_data_for"]) == (1, 1, [])
    assert (unknown["firings"], unknown["no_data_for"]) == ([], ["never_seen"])


def test_our_own_alerts_are_tried_in_a_table(prometheus: str) -> None:
    lines = run("--url", prometheus, "--since", "20h", "--rule", "PalmonasApiDown").splitlines()
    assert lines[0].split()[:4] == ["alert", "severity", "fired", "flapped"]
    assert lines[1].split()[:4] == ["PalmonasApiDown", "page", "2", "1"]


def test_more_than_one_query_may_hold_is_asked_for_in_parts(prometheus: str) -> None:
    # four days at 5 s are 69,120 points; Prometheus answers 11,000 at once
    (only,) = json.loads(
        run("--url", prometheus, "--since", "4d", "--step", "5s", "--rule", "PalmonasApiDown", "--json")
    )
    assert len(only["firings"]) == 2


def test_bad_input_is_one_sentence(prometheus: str, tmp_path: Path) -> None:
    assert "there is no alert 'Nope'; there are: " in run("--url", prometheus, "--rule", "Nope")
    assert "--since: 'week' is no duration" in run("--url", prometheus, "--since", "week")
    assert "--step must be longer than nothing" in run("--url", prometheus, "--step", "0")
    assert "no Prometheus answers at http://127.0.0.1:9" in run(
        "--url", "http://127.0.0.1:9", "--rule", "PalmonasApiDown"
    )
    (tmp_path / "x.yml").write_text(CANDIDATE.replace("up == 0", "up == on (job) up"), encoding="utf-8")
    assert "Prometheus refused the query" in run("--url", prometheus, "--file", str(tmp_path / "x.yml"))
