"""The queries of a dashboard as Grafana asks them, and what a Prometheus answers: for proofs, drills and measurements.

Intervals, `$__rate_interval` and the value of "All" follow Grafana's documentation of its Prometheus data source;
ROUNDED is what rangeutil.roundInterval of @grafana/data 11.6 rounds to.
"""

from __future__ import annotations

import json
import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from app.errors import UsageError
from stack.layout import ROOT, Layout
from stack.pages import open_session

FOLDER = ROOT / "grafana/dashboards"
EMPTY = "May be empty: "  # how a panel's description says why it may show nothing
PIXELS_OF_COLUMN = 60  # of the 24 of a grid, in a window of 1440
DEADLINE_S = 30.0
SCRAPE_S = 15.0  # as shipped
# An interval below the first number of a pair is rounded to the second; seconds.
ROUNDED = (
    *((1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300)),
    *((750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (12600, 7200), (23400, 10800)),
)


Panels = dict[str, list[str]]  # titles by the uid of their dashboard


@dataclass(frozen=True)
class Query:
    """One query of a panel. `announced`: the reason for which the panel may be empty, or nothing.

    `points`: those that the panel asks for at most, one for each of its pixels unless it says how many.
    """

    uid: str
    panel: str
    letter: str
    expr: str
    is_instant: bool
    announced: str
    points: int

    @property
    def name(self) -> str:
        return f"{self.uid}: {self.panel} ({self.letter})"


@dataclass(frozen=True)
class View:
    """What a dashboard shows: `range_s` seconds up to `end` (seconds since 1970), of scrapes every `scrape_s`."""

    end: float
    range_s: float
    scrape_s: float = SCRAPE_S

    def step(self, points: int) -> float:
        """Seconds between so many points, rounded."""
        wanted = self.range_s / points
        place = bisect_right([below for below, _ in ROUNDED], wanted)
        rounded = ROUNDED[place][1] if place < len(ROUNDED) else 21600
        return max(self.scrape_s, rounded)

    def fill(self, expr: str, points: int, variables: dict[str, str]) -> str:
        """`expr` with Grafana's own variables and the dashboard's in their places."""
        step = self.step(points)
        values = {
            "__rate_interval": f"{round(1000 * max(step + self.scrape_s, 4 * self.scrape_s))}ms",
            "__interval": f"{round(1000 * step)}ms",
            "__range": f"{round(self.range_s)}s",
            **variables,
        }
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: values.get(found[1] or found[2], found[0]), expr)


@dataclass(frozen=True)
class Answer:
    """`series` with at least one value in the view; `seconds` from the question to the last byte of the answer."""

    series: int
    seconds: float


def read_dashboards(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every dashboard of a folder, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def list_queries(board: dict[str, Any]) -> Iterator[Query]:
    """Every query of every panel, those in closed rows too."""
    for panel in board["panels"]:
        yield from list_queries({"uid": board["uid"], "panels": panel.get("panels") or []})
        text = panel.get("description", "")
        reason = re.search(rf"^{EMPTY}(.*)\.$", text, re.MULTILINE)
        for target in panel.get("targets") or []:
            yield Query(
                board["uid"],
                panel["title"],
                target["refId"],
                target["expr"],
                bool(target.get("instant")),
                reason[1] if reason else "",
                int(panel.get("maxDataPoints") or panel["gridPos"]["w"] * PIXELS_OF_COLUMN),
            )


def read_variables(board: dict[str, Any]) -> dict[str, str]:
    """What stands for each variable when the dashboard is opened: everything, or its only value."""
    return {
        one["name"]: one.get("allValue") or ""
        if one["type"] == "query"
        else str((one.get("current") or {}).get("value") or one.get("query") or "")
        for one in board["templating"]["list"]
    }


class Prometheus:
    """Asks the Prometheus at `url`; used as a context. Raises UsageError for what it refuses or does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = open_session()

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def ask(self, query: Query, view: View, variables: dict[str, str]) -> Answer:
        """Ask as the panel does: at the end of the view, or at every step of it."""
        step = view.step(query.points)
        end = view.end // step * step
        form = {"query": view.fill(query.expr, query.points, variables)}
        if query.is_instant:
            page, form = "query", form | {"time": f"{view.end:.3f}"}
        else:
            page = "query_range"
            form |= {"start": f"{end - view.range_s:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        began = time.perf_counter()
        data = self._post(page, form)
        seconds = time.perf_counter() - began
        return Answer(sum(_has_value(series) for series in data["result"]), seconds)

    def list_values(self, text: str, view: View, variables: dict[str, str]) -> list[str]:
        """The values that a variable's `label_values(metric, label)` offers."""
        found = re.fullmatch(r"label_values\((.*), *(\w+)\)", text)
        if found is None:
            raise UsageError(f"{text!r} is no label_values(metric, label)")
        whole = {"start": f"{view.end - view.range_s:.3f}", "end": f"{view.end:.3f}"}
        form = whole | {"match[]": view.fill(found[1], 24 * PIXELS_OF_COLUMN, variables)}
        return sorted(self._post(f"label/{found[2]}/values", form, method="GET"))

    def _post(self, page: str, form: dict[str, str], method: str = "POST") -> Any:
        address = f"{self.url}/api/v1/{page}"
        sent: dict[str, Any] = {"data": form} if method == "POST" else {"params": form}
        try:
            answer = self.session.request(method, address, timeout=DEADLINE_S, **sent)
            document = answer.json()
        except requests.RequestException as error:
            raise UsageError(f"Prometheus does not answer at {self.url} ({type(error).__name__})") from error
        if document["status"] != "success":
            raise UsageError(f"Prometheus refused {form.get('query', page)!r}: {document.get('error')}")
        return document["data"]


def open_prometheus(layout: Layout) -> Prometheus:
    return Prometheus(f"http://127.0.0.1:{layout.ports['prometheus']}")


def _has_value(series: dict[str, Any]) -> bool:
    points = series["values"] if "values" in series else [series["value"]]
    return any(value != "NaN" for _, value in points)
