"""Backtest: how often an alert would have fired over what a Prometheus remembers, before it pages anyone.

The expression is evaluated over the past as Prometheus would have evaluated it, and `for` is applied to each series
of its result. Times in which Prometheus scraped nothing do not count; a recorded series that was not there from the
beginning is computed from its rule. What cannot be replayed: what Prometheus has forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import promql_parser as ast
import requests
import yaml

from app.errors import UsageError
from rules.expand import expand, write_selector
from rules.files import Alert, Recording, parse_alert, parse_recording
from rules.scale import read_duration

POINTS_PER_QUERY = 10_000  # Prometheus answers at most 11,000 points a series
QUERY_TIMEOUT_S = 60.0
# A series that fires again so soon after it stopped has not come to rest: somebody was called twice for one thing.
FLAP_WITHIN_S = 900.0
# A recorded series that is there in the first hour is taken as it was recorded.
RECORDED_WITHIN_S = 3600.0


class Refused(UsageError):
    """Prometheus does not answer this query; it may answer others."""


@dataclass(frozen=True)
class Candidates:
    """The rules of files that may never have been loaded."""

    alerts: list[Alert] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Firing:
    """One series from the moment it fired to the moment it stopped, in Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of one alert: its firings, and how many of them came within 15 minutes of the one before.

    `missing`: selectors of which Prometheus remembers nothing. `computed`: recorded series that it had not recorded.
    """

    alert: Alert
    firings: tuple[Firing, ...]
    series: int
    flaps: int
    missing: tuple[str, ...]
    computed: tuple[str, ...] = ()

    @property
    def total_s(self) -> float:
        return sum(firing.seconds for firing in self.firings)

    @property
    def longest_s(self) -> float:
        return max((firing.seconds for firing in self.firings), default=0.0)


def find_firings(times: Sequence[float], step_s: float, hold_s: float) -> Iterator[Firing]:
    """The firings of one series that had a value at `times` (ascending, `step_s` apart where nothing is missing)."""
    first = last = None
    for time in [*times, math.inf]:
        if last is not None and first is not None and time - last > step_s * 1.5:
            if last - first >= hold_s:
                yield Firing(first + hold_s, last + step_s)
            first = None
        if first is None:
            first = time
        last = time


def count_flaps(firings: Sequence[Firing]) -> int:
    return sum(1 for before, after in pairwise(firings) if after.start - before.end < FLAP_WITHIN_S)


class Past:
    """A Prometheus' memory from `start` to `end` (Unix seconds), seen every `step_s` seconds."""

    def __init__(self, url: str, start: float, end: float, step_s: float, recordings: Sequence[Recording] = ()) -> None:
        self._url = url.rstrip("/")
        self._start, self._end, self._step_s = start, end, step_s
        self._recordings = recordings
        self._there: dict[str, bool] = {}
        self._recorded: dict[str, bool] = {}

    @cached_property
    def _alive(self) -> frozenset[float]:
        """The times at which Prometheus had scraped something. Raises UsageError when there are none."""
        times = frozenset(
            float(value[0])
            for start, end in self._list_spans()
            for series in self._query_range("count(up)", start, end)
            for value in series["values"]
        )
        if not times:
            raise UsageError(f"Prometheus at {self._url} remembers nothing of this time: it has no series `up`")
        return times

    @property
    def first(self) -> float:
        """When Prometheus' memory begins within the time asked for, in Unix seconds. Raises UsageError."""
        return min(self._alive)

    def replay(self, alert: Alert) -> Replay:
        """Raises UsageError when Prometheus does not answer, or refuses the expression."""
        hold_s = read_duration(alert.hold)
        computed: set[str] = set()
        expr = expand(alert.expr, lambda name: self._find_unrecorded(name, computed), self._step_s)
        try:
            times = self._find_times(expr)
        except Refused:
            if not computed:
                raise
            expr, computed = alert.expr, set()  # too much to compute: what was recorded, and what was not is missing
            times = self._find_times(expr)
        firings: list[Firing] = []
        flaps = 0
        for one in times.values():
            of_series = list(find_firings(one, self._step_s, hold_s))
            flaps += count_flaps(of_series)
            firings += of_series
        firings.sort(key=lambda firing: firing.start)
        missing = tuple(self._find_missing(expr))
        return Replay(alert, tuple(firings), len(times), flaps, missing, tuple(sorted(computed)))

    def _find_times(self, expr: str) -> dict[tuple[tuple[str, str], ...], list[float]]:
        """When each series of the expression had a value while Prometheus was at work."""
        times: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for start, end in self._list_spans():
            for series in self._query_range(expr, start, end):
                key = tuple(sorted(series["metric"].items()))
                seen = [time for value in series["values"] if (time := float(value[0])) in self._alive]
                if seen:
                    times.setdefault(key, []).extend(seen)
        return times

    def _find_unrecorded(self, name: str, computed: set[str]) -> list[Recording]:
        """The rules of a name that Prometheus did not record from the beginning; adds it to `computed`."""
        rules = [rule for rule in self._recordings if rule.name == name]
        if not rules:
            return []
        if name not in self._recorded:
            span_s = min(self._end - self.first, RECORDED_WITHIN_S) + self._step_s
            self._recorded[name] = self._has(name, span_s, self.first + span_s)
        if self._recorded[name]:
            return []
        computed.add(name)
        return rules

    def _list_spans(self) -> Iterator[tuple[float, float]]:
        span = POINTS_PER_QUERY * self._step_s
        start = self._start
        while start <= self._end:
            yield start, min(start + span - self._step_s, self._end)
            start += span

    def _query_range(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask(
            "query_range", {"query": expr, "start": start, "end": end, "step": self._step_s}
        )["result"]
        return found

    def _find_missing(self, expr: str) -> Iterator[str]:
        """Selectors of the expression, with their labels, of which Prometheus remembers nothing in the period."""
        selectors: set[str] = set()

        def collect(node: ast.Expr) -> None:
            if isinstance(node, ast.VectorSelector):
                selectors.add(write_selector(node))
            elif isinstance(node, ast.MatrixSelector):
                selectors.add(write_selector(node.vector_selector))

        ast.walk(ast.parse(expr), pre_visit=collect)
        for selector in sorted(selectors):
            if selector not in self._there:
                self._there[selector] = self._has(selector, self._end - self._start, self._end)
            if not self._there[selector]:
                yield selector

    def _has(self, selector: str, span_s: float, end: float) -> bool:
        """True when a series of `selector` had a sample in the `span_s` before `end`."""
        span = max(1, math.ceil(span_s))
        return bool(self._ask("query", {"query": f"count(last_over_time({selector}[{span}s]))", "time": end})["result"])

    def _ask(self, page: str, form: dict[str, Any]) -> dict[str, Any]:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(f"{self._url}/api/v1/{page}", data=form, timeout=QUERY_TIMEOUT_S)
            body = answer.json()
        except requests.ReadTimeout as error:
            raise Refused(f"Prometheus at {self._url} has not answered a query within {QUERY_TIMEOUT_S:g} s") from error
        except (requests.RequestException, ValueError) as error:
            raise UsageError(f"no Prometheus answers at {self._url}: {type(error).__name__}") from error
        if body.get("status") != "success":
            raise Refused(f"Prometheus refused the query: {body.get('error', answer.status_code)}")
        data: dict[str, Any] = body["data"]
        return data


def read_candidates(path: Path) -> Candidates:
    """The rules of a file, or of a directory such as `palmonas rules build --out` writes. Raises UsageError."""
    found = Candidates()
    for file in _list_files(path):
        _read_candidates(file, found)
    if not found.alerts:
        raise UsageError(f"{path} has no alerts")
    return found


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    folders = [path / kind for kind in ("rules", "alerts") if (path / kind).is_dir()] or [path]
    return sorted(file for folder in folders for file in folder.iterdir() if file.suffix in (".yml", ".yaml"))


def _read_candidates(path: Path, found: Candidates) -> None:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in (rule for group in document["groups"] for rule in group["rules"]):
            ast.parse(str(rule["expr"]))
            if "alert" in rule:
                alert = parse_alert(rule, path.as_posix())
                read_duration(alert.hold)
                found.alerts.append(alert)
            else:
                found.recordings.append(parse_recording(rule, path.as_posix()))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is no rule file: {' '.join(str(error).split())}") from error
