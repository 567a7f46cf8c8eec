"""What the dashboards cost: a day of raw series of 20 API instances, 15 days of recorded ones, and every query.

The raw series are those that a panel reads, every 15 s: 20 API instances, a worker for each queue, and every exporter.
Recorded series have the labels that their rules would give them over all of these. No scrape and no rule runs
meanwhile: what is measured is the queries alone.
"""

from __future__ import annotations

import math
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from app.config import QUEUES
from app.errors import UsageError
from drills.asking import SCRAPE_S, Prometheus, Query, View, list_queries, read_dashboards, read_variables
from rules.contract import Reader, known_metrics
from rules.files import read_recordings
from rules.settings import Settings, load_settings
from tests.bench.fleet import Series, Target, make_fleet
from tests.bench.rules import backfill, start_prometheus, write_labels

DAY_S = 86400
RAW_S, RECORDED_S = DAY_S, 15 * DAY_S
BLOCK_S = 7200  # promtool makes blocks of two hours of what was scraped, as Prometheus itself does
STEP_S = int(SCRAPE_S)
RUNS = 3
ALLOWED_S = {RAW_S: 0.3, RECORDED_S: 1.0}
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Writer:
    """Writes series at the moments of one block: the cheapest form, because this is tens of millions of lines."""

    def __init__(self, file: TextIO, moments: range, origin: float) -> None:
        self.file = file
        self.moments = moments
        self.origin = origin
        self._ends: dict[tuple[float | None, float], list[str]] = {}

    def write(self, name: str, labels: str, series: Series) -> None:
        """A line for each moment. Series that take the same course share the end of their lines."""
        course = (series.base, series.slope)
        if course not in self._ends:
            self._ends[course] = [f" {series.read(at, self.origin)} {at}\n" for at in self.moments]
        start = f"{name}{{{labels}}}"
        self.file.write(start + start.join(self._ends[course]))


def choose_fleet() -> list[Target]:
    """All but the workers beyond one for each queue."""
    fleet = make_fleet()
    workers = [target for target in fleet if target.part == "worker"]
    dropped = {target.instance for target in workers[len(QUEUES) :]}
    return [target for target in fleet if target.part != "worker" or target.instance not in dropped]


def find_read() -> set[str]:
    """The names of all series that a panel reads."""
    reader = Reader(known_metrics())
    for board in read_dashboards():
        for query in list_queries(board):
            reader.read(query.expr)
    return set(reader.used)


def write_raw(file: TextIO, fleet: list[Target], read: set[str], settings: Settings, moments: range) -> int:
    """The samples written."""
    writer = Writer(file, moments, moments.start - 30.0 * DAY_S)
    written = 0
    for target in fleet:
        own = write_labels(target, settings)
        for series in target.series:
            if series.name in read:
                writer.write(series.name, f"{own},{series.labels}" if series.labels else own, series)
                written += len(moments)
    return written


def write_recorded(
    file: TextIO, fleet: list[Target], read: set[str], settings: Settings, moments: range
) -> dict[str, int]:
    """How many series were written of each recorded name that a panel reads."""
    writer = Writer(file, moments, moments.start)
    written = {}
    for name in sorted(read & {rule.name for rule in read_recordings()}):
        sets = find_labels(name, fleet, settings)
        for number, labels in enumerate(sorted(sets)):
            writer.write(name, labels, Series(name, labels, 0.5 + number / 1000))
        written[name] = len(sets)
    return written


def find_labels(name: str, fleet: list[Target], settings: Settings) -> set[str]:
    """The label sets under which a name is recorded: those of the raw series behind it, as far as a rule keeps them."""
    sets: set[str] = set()
    for rule in read_recordings():
        if rule.name != name:
            continue
        reader = Reader(known_metrics())
        reader.read(rule.expr)
        kept = known_metrics()[name].labels - dict(rule.labels).keys()
        fixed = ",".join(f'{label}="{value}"' for label, value in rule.labels)
        found = {labels for used in reader.used if ":" in used for labels in find_labels(used, fleet, settings)}
        for target in fleet:
            own = write_labels(target, settings)
            found |= {f"{own},{series.labels}" for series in target.series if series.name in reader.used}
        # What an exporter of another generation tells stands for what the recorded one lacks, under labels of its own.
        missing = "" if not kept else ",".join(f'{label}="{_invent(label, name, settings)}"' for label in sorted(kept))
        sets |= {_join(_keep(labels, kept), fixed) for labels in found} or {_join(missing, fixed)}
    return sets


def _invent(label: str, name: str, settings: Settings) -> str:
    part = "postgresql" if ":pg_" in name else "api"
    return {"job": settings.jobs[part], "instance": f"{part}-1"}.get(label, label)


def _keep(labels: str, kept: frozenset[str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in LABEL.findall(labels) if name in kept)


def _join(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def list_blocks(start: int, end: int, length: int, step: int) -> Iterator[range]:
    for begin in range(start // length * length, end, length):
        if moments := range(max(begin, start), min(begin + length, end), step):
            yield moments


def write_past(directory: Path, now: int) -> None:
    fleet, settings, read = choose_fleet(), load_settings(), find_read()
    samples = 0
    began = time.monotonic()

    def write(moments: range, file: TextIO) -> None:
        nonlocal samples
        samples += write_raw(file, fleet, read, settings, moments)

    for moments in list_blocks(now - RAW_S, now, BLOCK_S, STEP_S):
        backfill(directory, partial(write, moments), longest="2h")
        print(f"{samples / 1e6:.0f} million raw samples after {time.monotonic() - began:.0f} s", flush=True)
    recorded: dict[str, int] = {}
    past = range(now - RECORDED_S, now, STEP_S)
    backfill(directory, lambda file: recorded.update(write_recorded(file, fleet, read, settings, past)))
    silent = [name for name, number in recorded.items() if not number]
    print(
        f"{sum(recorded.values())} recorded series of {len(recorded)} names; without one: {', '.join(silent) or 'none'}"
    )


@dataclass(frozen=True)
class Cost:
    """Of one query: the median of RUNS from question to answer, the CPU seconds of Prometheus, the series that came."""

    query: Query
    waited_s: float
    cpu_s: float
    series: int

    @property
    def seconds(self) -> float:
        """What it is judged by. On a busy machine a query waits for a CPU, and that time is not its own."""
        return min(self.waited_s, self.cpu_s)

    def describe(self, range_s: int) -> str:
        name = f"{self.query.name} over {range_s // DAY_S} d"
        return f"{name}: {self.waited_s * 1000:.0f} ms, CPU {self.cpu_s * 1000:.0f} ms"


def measure(prometheus: Prometheus, query: Query, view: View, variables: dict[str, str]) -> Cost:
    before = read_cpu_s(prometheus)
    try:
        answers = [prometheus.ask(query, view, variables) for _ in range(RUNS)]
    except UsageError as error:
        # Too slow to be answered at all is a result, and others are still to be measured.
        print(f"{query.name} over {view.range_s / DAY_S:g} d: {error}", flush=True)
        return Cost(query, math.inf, math.inf, 0)
    cpu_s = (read_cpu_s(prometheus) - before) / RUNS
    return Cost(query, statistics.median(answer.seconds for answer in answers), cpu_s, answers[0].series)


def read_cpu_s(prometheus: Prometheus) -> float:
    """CPU seconds of Prometheus since its start, in steps of 10 ms; asking takes some of them."""
    page = prometheus.session.get(f"{prometheus.url}/metrics", timeout=60).text
    found = re.search(r"^process_cpu_seconds_total (\S+)$", page, re.MULTILINE)
    assert found is not None
    return float(found[1])


def measure_dashboards() -> None:
    """Ends with a sentence and exit code 1 when a query takes longer than it may."""
    now = int(time.time()) // STEP_S * STEP_S
    slow = []
    with tempfile.TemporaryDirectory(prefix="palmonas-dashboards-", dir="/var/tmp") as name:
        directory = Path(name)
        write_past(directory, now)
        # as they are: merging blocks meanwhile would be measured, too
        options = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h")
        configuration = {"global": {"scrape_interval": f"{STEP_S}s"}}
        with start_prometheus(directory, configuration, *options) as url, Prometheus(url) as prometheus:
            print(f"{'dashboard':<24}{'range':>5}{'queries':>8}{'with data':>10}{'median':>7}{'worst':>7} ms  worst")
            for board in read_dashboards():
                for range_s, allowed_s in ALLOWED_S.items():
                    view, variables = View(now, range_s), read_variables(board)
                    costs = [measure(prometheus, query, view, variables) for query in list_queries(board)]
                    slow += [cost.describe(range_s) for cost in costs if cost.seconds > allowed_s]
                    worst = max(costs, key=lambda cost: cost.seconds)
                    median_s = statistics.median(cost.seconds for cost in costs)
                    print(
                        f"{board['uid']:<24}{range_s // DAY_S:>3} d{len(costs):>8}"
                        f"{sum(cost.series > 0 for cost in costs):>10}{median_s * 1000:>7.0f}"
                        f"{worst.seconds * 1000:>7.0f}     {worst.query.panel} ({worst.query.letter})",
                        flush=True,
                    )
    print(f"the load of this machine was {os.getloadavg()[1]:.1f} on {os.cpu_count()} CPUs")
    for text in slow:
        print(f"SLOW: {text}")
    if slow:
        raise SystemExit(f"{len(slow)} queries are slower than they may be")
