"""Backtest: how often an alert would have fired over what a Prometheus remembers, before it pages anyone.

The expression is evaluated over the past as Prometheus would have evaluated it, and `for` is applied to each series
of its result. What cannot be replayed: what Prometheus has forgotten, and a recording rule that did not exist then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import promql_parser as ast
import requests
import yaml

from app.errors import UsageError
from rules.files import Alert, parse_alert
from rules.scale import read_duration

POINTS_PER_QUERY = 10_000  # Prometheus answers at most 11,000 points a series
QUERY_TIMEOUT_S = 60.0
# A series that fires again so soon after it stopped has not come to rest: somebody was called twice for one thing.
FLAP_WITHIN_S = 900.0


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
    """What became of one alert: its firings, and how many of them came within 15 minutes of the one before."""

    alert: Alert
    firings: tuple[Firing, ...]
    series: int
    flaps: int
    missing: tuple[str, ...]

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

    def __init__(self, url: str, start: float, end: float, step_s: float) -> None:
        self._url = url.rstrip("/")
        self._start, self._end, self._step_s = start, end, step_s

    def replay(self, alert: Alert) -> Replay:
        """Raises UsageError when Prometheus does not answer, or refuses the expression."""
        hold_s = read_duration(alert.hold)
        times: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for start, end in self._list_spans():
            for series in self._query_range(alert.expr, start, end):
                key = tuple(sorted(series["metric"].items()))
                times.setdefault(key, []).extend(float(value[0]) for value in series["values"])
        firings: list[Firing] = []
        flaps = 0
        for one in times.values():
            of_series = list(find_firings(one, self._step_s, hold_s))
            flaps += count_flaps(of_series)
            firings += of_series
        firings.sort(key=lambda firing: firing.start)
        return Replay(alert, tuple(firings), len(times), flaps, tuple(self._find_missing(alert.expr)))

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
        """Metrics of the expression of which Prometheus remembers nothing in the period."""
        names: set[str] = set()

        def collect(node: ast.Expr) -> None:
            if isinstance(node, ast.VectorSelector) and node.name:
                names.add(node.name)
            elif isinstance(node, ast.MatrixSelector) and node.vector_selector.name:
                names.add(node.vector_selector.name)

        ast.walk(ast.parse(expr), pre_visit=collect)
        for name in sorted(names):
            span = max(1, math.ceil(self._end - self._start))
            if not self._ask("query", {"query": f"count(last_over_time({name}[{span}s]))", "time": self._end})[
                "result"
            ]:
                yield name

    def _ask(self, page: str, form: dict[str, Any]) -> dict[str, Any]:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(f"{self._url}/api/v1/{page}", data=form, timeout=QUERY_TIMEOUT_S)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise UsageError(f"no Prometheus answers at {self._url}: {type(error).__name__}") from error
        if body.get("status") != "success":
            raise UsageError(f"Prometheus refused the query: {body.get('error', answer.status_code)}")
        data: dict[str, Any] = body["data"]
        return data


def read_candidates(path: Path) -> list[Alert]:
    """The alerts of a rule file that may never have been loaded. Raises UsageError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        rules = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
        alerts = [parse_alert(rule, path.as_posix()) for rule in rules]
        for alert in alerts:
            read_duration(alert.hold)
            ast.parse(alert.expr)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is no rule file: {' '.join(str(error).split())}") from error
    if not alerts:
        raise UsageError(f"{path} has no alerts")
    return alerts
