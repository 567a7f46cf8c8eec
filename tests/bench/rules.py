"""What the rules cost with 20 API instances and 50 workers: a real Prometheus, a past, and two minutes of scrapes.

The past is as long as the rules look back: 12 minutes of buckets, 65 of what else they read, and the days and weeks
of what they record themselves. Every group is evaluated every 15 s here, so that two minutes are enough for those of
five minutes too; what it takes is held against the interval that is shipped.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.config import CHANNEL_NAMES
from rules.contract import Reader, known_metrics
from rules.files import read_alerts, read_recordings
from rules.scale import read_duration
from rules.settings import Settings, load_settings
from stack.layout import ROOT
from stack.pages import open_session
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable
from tests.bench.fleet import Target, make_fleet

INTERVAL_S = 15
RUN_S = 130
BACKFILL_S = 1800  # a block takes seconds, and minutes on a machine that has other work
SHARE_ALLOWED = 0.10
SERIES_ALLOWED = 1000
BUCKETS_PAST_S, PAST_S, DAY_S = 12 * 60, 65 * 60, 86400
# Recorded names have colons, and ALERTS count too; of the last minute only, because the past is not the rules' work.
RECORDED = '{__name__=~".+:.+|ALERTS|ALERTS_FOR_STATE"}'


def write_past(file: TextIO, fleet: list[Target], settings: Settings, now: int, origin: float) -> int:
    """What Prometheus had scraped before it starts, of all that a rule reads; the number of samples."""
    reader = Reader(known_metrics())
    for expr in [one.expr for one in read_alerts()] + [one.expr for one in read_recordings()]:
        reader.read(expr)
    written = 0
    for target in fleet:
        job = write_labels(target, settings)
        for one in target.series:
            if one.name in reader.used:
                past = BUCKETS_PAST_S if one.name.endswith("_bucket") else PAST_S
                labels = f"{job},{one.labels}" if one.labels else job
                # the cheapest form: this is most of the time that the past takes
                file.writelines(
                    f"{one.name}{{{labels}}} {one.read(at, origin)} {at}\n" for at in range(now - past, now, INTERVAL_S)
                )
                written += past // INTERVAL_S
    return written


def write_long_past(file: TextIO, fleet: list[Target], settings: Settings, now: int) -> None:
    """Days of the few series that rules look at for so long, and what there was a day and a week ago."""

    def write(series: str, value: float, past_s: int, step_s: int, before_s: int = 0) -> None:
        end = now - before_s
        file.writelines(f"{series} {value} {at}\n" for at in range(end - past_s, end, step_s))

    jobs = {"job_success": "exporter", "accept_to_stored": "worker"}
    for slo in settings.slos:
        labels = f'{{job="{settings.jobs[jobs.get(slo, "api")]}",slo="{slo}"}}'
        for name, value in (("events", 10.0), ("errors", 0.0001)):
            write(f"job_slo:palmonas_slo_{name}:rate5m{labels}", value, 3 * DAY_S, INTERVAL_S)
            write(f"job_slo:palmonas_slo_{name}:rate1h{labels}", value, 30 * DAY_S, 60)
    for channel in CHANNEL_NAMES:
        labels = f'{{job="{settings.jobs["api"]}",channel="{channel}"}}'
        write(f"job_channel:palmonas_deliveries_taken:increase1h{labels}", 800, 600, INTERVAL_S, 7 * DAY_S - 300)
    for target in fleet:
        labels = write_labels(target, settings)
        write(f"scrape_samples_post_metric_relabeling{{{labels}}}", len(target.series), 600, 15, DAY_S - 300)
        if target.part in ("haproxy", "blackbox", "process"):
            write(f"up{{{labels}}}", 1, DAY_S, INTERVAL_S)
        if target.part == "node":
            write(f"node_timex_sync_status{{{labels}}}", 1, DAY_S, INTERVAL_S)
            for kind in ("avail", "files_free"):
                name = f"job_instance_mountpoint:node_filesystem_{kind}:ratio"
                write(f'{name}{{{labels},mountpoint="/"}}', 0.5, DAY_S // 4, INTERVAL_S)


def write_labels(target: Target, settings: Settings) -> str:
    pairs = (("job", settings.jobs[target.part]), *target.labels)
    return ",".join(f'{name}="{value}"' for name, value in pairs)


def write_rules(directory: Path) -> dict[str, float]:
    """The built rules with every group on the global interval; each group's own in seconds, by its name."""
    intervals: dict[str, float] = {}
    for path in (*ROOT.glob("prometheus/rules/*.yml"), *ROOT.glob("prometheus/alerts/*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document["groups"]:
            intervals[group["name"]] = read_duration(group.pop("interval", f"{INTERVAL_S}s"))
        (directory / f"{path.parent.name}-{path.name}").write_text(yaml.safe_dump(document), encoding="utf-8")
    return intervals


@contextmanager
def serve(fleet: list[Target], origin: float) -> Iterator[int]:
    """Every target's page under /<its instance>, on a port of this machine."""
    by_path = {f"/{target.instance}": target for target in fleet}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = by_path[self.path].show(time.time(), origin).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of each scrape."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


@contextmanager
def run_prometheus(directory: Path, fleet: list[Target], settings: Settings, origin: float) -> Iterator[str]:
    """Prometheus over the past in `directory`/data, with the rules in `directory`/rules; its address."""
    with serve(fleet, origin) as pages:
        jobs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for target in fleet:
            labels = {**dict(target.labels), "__metrics_path__": f"/{target.instance}"}
            jobs[settings.jobs[target.part]].append({"targets": [f"127.0.0.1:{pages}"], "labels": labels})
        configuration = {
            "global": {"scrape_interval": f"{INTERVAL_S}s", "evaluation_interval": f"{INTERVAL_S}s"},
            "rule_files": [str(directory / "rules/*.yml")],
            "scrape_configs": [{"job_name": job, "static_configs": groups} for job, groups in jobs.items()],
        }
        with start_prometheus(directory, configuration) as url:
            yield url


@contextmanager
def start_prometheus(directory: Path, configuration: dict[str, Any], *options: str) -> Iterator[str]:
    """Prometheus over the data in `directory`/data; its address."""
    program, port = find_executable("prometheus"), find_free_port()
    assert program is not None
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    arguments = [f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}", *options]
    arguments += ["--storage.tsdb.retention.time=40d", f"--web.listen-address=127.0.0.1:{port}"]
    with (directory / "prometheus.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        if not wait_until(lambda: is_ready(url), 60, pause_s=0.5):
            raise SystemExit(f"Prometheus is not ready: {(directory / 'prometheus.log').read_text()[-2000:]}")
        yield url
    finally:
        process.terminate()
        process.wait(60)


def is_ready(url: str) -> bool:
    try:
        return bool(_get(f"{url}/-/ready"))
    except OSError:
        return False


def _get(url: str, **parameters: str) -> str:
    with open_session() as session:
        answer = session.get(url, params=parameters, timeout=30)
    answer.raise_for_status()
    return answer.text


def watch_groups(url: str) -> tuple[dict[str, list[float]], float]:
    """Seconds of every evaluation of each group, by its name, over RUN_S; and the failed ones of all."""
    seen: dict[tuple[str, float], float] = {}
    failures = 0.0
    end = time.monotonic() + RUN_S
    while time.monotonic() < end:
        time.sleep(3)
        page: dict[str, dict[str, float]] = defaultdict(dict)
        for family in text_string_to_metric_families(_get(f"{url}/metrics")):
            for sample in family.samples:
                if sample.name.startswith("prometheus_rule_") and "rule_group" in sample.labels:
                    page[sample.name][sample.labels["rule_group"].rpartition(";")[2]] = sample.value
        failures = sum(page["prometheus_rule_evaluation_failures_total"].values())
        for group, moment in page["prometheus_rule_group_last_evaluation_timestamp_seconds"].items():
            if moment > 0:
                seen[group, moment] = page["prometheus_rule_group_last_duration_seconds"][group]
    durations: defaultdict[str, list[float]] = defaultdict(list)
    for (group, _), seconds in seen.items():
        durations[group].append(seconds)
    return dict(durations), failures


def count_series(url: str) -> dict[str, int]:
    """Series that the rules have written in the last minute, by name; of ALERTS by alert, too."""
    query = f"count by (__name__, alertname) (last_over_time({RECORDED}[1m]))"
    found = json.loads(_get(f"{url}/api/v1/query", query=query))["data"]["result"]
    return {" ".join(one["metric"].values()): int(one["value"][1]) for one in found}


def measure_rules() -> None:
    """Ends with a sentence and exit code 1 when the rules cost more than they may."""
    settings, fleet = load_settings(), make_fleet()
    print(f"{len(fleet)} targets with {sum(len(target.series) for target in fleet)} series")
    with tempfile.TemporaryDirectory(prefix="palmonas-rules-", dir="/var/tmp") as name:
        directory = Path(name)
        (directory / "rules").mkdir()
        intervals = write_rules(directory / "rules")
        now = int(time.time()) // INTERVAL_S * INTERVAL_S
        origin = now - 2.0 * PAST_S
        backfill(directory, lambda file: write_past(file, fleet, settings, now, origin))
        backfill(directory, lambda file: write_long_past(file, fleet, settings, now))
        print(f"the past took {time.time() - now:.0f} s to write; Prometheus runs for {RUN_S} s", flush=True)
        with run_prometheus(directory, fleet, settings, origin) as url:
            durations, failures = watch_groups(url)
            series = count_series(url)
    _judge(durations, failures, series, intervals)


def backfill(directory: Path, write: Callable[[TextIO], object], longest: str = "720h") -> None:
    """Make blocks of at most `longest` in `directory`/data of the samples that `write` writes."""
    path = directory / "past.txt"
    with path.open("w", encoding="utf-8") as file:
        write(file)
        file.write("# EOF\n")
    promtool = shutil.which("promtool")
    assert promtool is not None
    command = [promtool, "tsdb", "create-blocks-from", f"--max-block-duration={longest}", "openmetrics"]
    done = subprocess.run(
        [*command, path, directory / "data"], capture_output=True, text=True, timeout=BACKFILL_S, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"promtool refused the past: {done.stderr[-2000:]}")
    path.unlink()


def _judge(
    durations: dict[str, list[float]], failures: float, series: dict[str, int], intervals: dict[str, float]
) -> None:
    head = f"{'group':<36} {'times':>5} {'best ms':>8} {'median ms':>9} {'worst ms':>9} {'interval s':>10} {'share':>8}"
    print(head)
    total = best = 0.0
    for group, each in sorted(durations.items(), key=lambda pair: -statistics.median(pair[1])):
        median, interval = statistics.median(each), intervals[group]
        total += median / interval
        best += min(each) / interval
        print(
            f"{group:<36} {len(each):>5} {min(each) * 1000:>8.1f} {median * 1000:>9.1f} {max(each) * 1000:>9.1f}"
            f" {interval:>10.0f} {median / interval:>8.2%}"
        )
    recorded = sum(series.values())
    print(f"all groups, one after the other: {total:.2%} of their intervals (allowed: {SHARE_ALLOWED:.0%})")
    print(f"at their best {best:.2%}; the load of this machine was {os.getloadavg()[1]:.1f} on {os.cpu_count()} CPUs")
    for name, number in sorted(series.items(), key=lambda pair: -pair[1])[:12]:
        print(f"{number:>6} {name}")
    print(f"{recorded:>6} recorded series of {len(series)} names (allowed: {SERIES_ALLOWED})")
    problems = [
        *([f"groups that were never evaluated: {sorted(unseen)}"] if (unseen := intervals.keys() - durations) else []),
        *([f"{failures:.0f} evaluations failed"] if failures else []),
        *([f"evaluation takes {total:.1%} of the intervals"] if total >= SHARE_ALLOWED else []),
        *([f"{recorded} series are recorded"] if recorded >= SERIES_ALLOWED else []),
    ]
    if problems:
        raise SystemExit(f"the rules cost too much: {'; '.join(problems)}")
