"""A backtest over a real Prometheus, whose past was written by promtool."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.errors import PalmonasError, UsageError
from cli.main import palmonas
from rules.replay import Past
from stack.pages import fetch_page
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable

STEP_S = 15
# Minutes of the past day in which instance "a" was down; the second time soon after the first.
OUTAGES = ((600, 610), (615, 617))
# Minutes in which Prometheus itself was away.
AWAY = (1000, 1060)
CANDIDATE = """
groups:
  - name: x
    rules:
      - {alert: Down, expr: up == 0, for: 30s, labels: {severity: page}}
      - {alert: Unknown, expr: never_seen == 0, labels: {severity: page}}
"""


def write_past(path: Path, end: int) -> None:
    """A day of `up` of two instances, and of a series that was recorded all the time, in OpenMetrics."""
    lines = ["# TYPE up gauge"]
    start = end - 86400
    times = [now for now in range(start, end, STEP_S) if not AWAY[0] <= (now - start) / 60 < AWAY[1]]
    for instance in ("a", "b"):
        for now in times:
            minute = (now - start) / 60
            down = instance == "a" and any(first <= minute < last for first, last in OUTAGES)
            lines.append(f'up{{job="palmonas-api",instance="{instance}",role="accept"}} {int(not down)} {now}')
    lines += ["# TYPE job:up:max gauge", *(f'job:up:max{{job="palmonas-api"}} 7 {now}' for now in times)]
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
    return done.stdout


def replay(url: str, file: Path, text: str, *arguments: str) -> dict[str, Any]:
    """What became of each alert of a rule file, by its name."""
    file.write_text(text, encoding="utf-8")
    told = json.loads(run("--url", url, "--file", str(file), "--json", *arguments))
    return {one["alert"]: one for one in told}


def sum_up(one: dict[str, Any]) -> list[float]:
    return [firing["end"] - firing["start"] for firing in one["firings"]]


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


UNRECORDED = """
groups:
  - name: x
    rules:
      - {record: "instance:up:min", expr: "min by (job, instance, role) (up)", labels: {kind: one}}
      - {record: "instance:up:min", expr: "min by (job, instance, role) (up) - 1", labels: {kind: two}}
      - {record: "job:up:low", expr: "min by (job) (instance:up:min)", labels: {}}
      - {record: "job:up:max", expr: "max by (job) (up)"}
      - {record: "job:up:bad", expr: "up == on (job) up"}
      - {alert: Equal, expr: 'instance:up:min{kind="one", instance="a", role!="console"} == 0', for: 30s, labels: {}}
      - {alert: Pattern, expr: 'instance:up:min{kind!~"two", instance=~"a|c"} == 0', for: 30s, labels: {}}
      - {alert: Other, expr: 'instance:up:min{kind="one", instance!~"a.*"} == 0', labels: {}}
      - {alert: Nested, expr: 'job:up:low == -1', for: 30s, labels: {}}
      - {alert: Range, expr: 'max_over_time(instance:up:min{kind="one"}[30s]) == 0', labels: {}}
      - {alert: Before, expr: 'instance:up:min{kind="one"} offset 5m == 0', for: 30s, labels: {}}
      - {alert: Recorded, expr: 'job:up:max == 7', labels: {}}
      - {alert: Refused, expr: 'job:up:bad == 0', labels: {}}
"""


def test_recorded_series_that_nobody_recorded_are_computed(prometheus: str, tmp_path: Path) -> None:
    told = replay(prometheus, tmp_path / "x.yml", UNRECORDED, "--since", "20h")
    outages = [pytest.approx(600 - 30, abs=STEP_S * 2), pytest.approx(120 - 30, abs=STEP_S * 2)]
    for name in ("Equal", "Pattern", "Nested", "Range", "Before"):
        assert sum_up(told[name]) == outages, name
        assert told[name]["no_data_for"] == []
    assert told["Equal"]["computed"] == ["instance:up:min"]
    assert told["Nested"]["computed"] == ["instance:up:min", "job:up:low"]
    assert (told["Other"]["firings"], told["Other"]["no_data_for"]) == ([], [])
    # what was recorded all the time is taken as it was: the rule would say 1 now
    assert told["Recorded"]["computed"] == []
    assert sum(sum_up(told["Recorded"])) > 18 * 3600
    assert told["Refused"]["no_data_for"] == ["job:up:bad"]


ABSENT = """
groups:
  - name: x
    rules:
      - {alert: Absent, expr: 'absent(up{job="shop"})', for: 1m, labels: {}}
      - {alert: Never, expr: 'absent(up{job="palmonas-api"})', for: 1m, labels: {}}
"""


def test_only_times_count_in_which_prometheus_was_at_work(prometheus: str, tmp_path: Path) -> None:
    told = replay(prometheus, tmp_path / "x.yml", ABSENT, "--since", "4d")
    # a day, without the hour that Prometheus was away (what it last saw counts for five minutes)
    assert sum(sum_up(told["Absent"])) == pytest.approx(23 * 3600, abs=600)
    assert told["Absent"]["no_data_for"] == ['up{job="shop"}']
    assert (told["Never"]["firings"], told["Never"]["no_data_for"]) == ([], [])
    told_so = CliRunner().invoke(
        palmonas, ["rules", "replay", "--url", prometheus, "--since", "4d", "--rule", "Watchdog"]
    )
    assert "Prometheus remembers only the last 24 hours of the 4d asked for." in told_so.stderr
    end = time.time() - 3 * 86400
    with pytest.raises(UsageError, match="remembers nothing of this time"):
        Past(prometheus, end - 3600, end, 15).first  # noqa: B018 - asking is what raises


def test_what_another_team_built_is_tried(prometheus: str, tmp_path: Path) -> None:
    settings = tmp_path / "mine.yml"
    settings.write_text("areas: [api, pools]\njobs: {api: shop}\n", encoding="utf-8")
    built = CliRunner().invoke(
        palmonas, ["rules", "build", "--settings", str(settings), "--out", str(tmp_path / "shop")]
    )
    assert built.exit_code == 0
    told = json.loads(run("--url", prometheus, "--file", str(tmp_path / "shop"), "--since", "2h", "--json"))
    down = next(one for one in told if one["alert"] == "PalmonasApiDown")
    assert (down["firings"], down["no_data_for"]) == ([], ['up{job="shop"}'])
    exhausted = next(one for one in told if one["alert"] == "ConnectionPoolExhausted")
    assert "db_client_connection_max" in exhausted["no_data_for"]
    assert not any(":" in name.partition("{")[0] for one in told for name in one["no_data_for"])


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
