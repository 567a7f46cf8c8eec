"""Queries of panels put to a real Prometheus: what counts as data, what a fault filled, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, TextIO, cast

import pytest

from app.errors import UsageError
from drills import filled
from drills.asking import Prometheus, Query, View, list_queries
from drills.filled import find_filled
from drills.stand import Stand
from stack.processes import find_free_port
from tests.bench.rules import backfill, start_prometheus

NOW = int(time.time()) // 15 * 15


def write(file: TextIO) -> None:
    for at in range(NOW - 1800, NOW, 15):
        file.write(f'requests_total{{job="api",instance="a"}} {at - NOW + 1800} {at}\n')
        file.write(f'requests_total{{job="api",instance="b"}} {at - NOW + 1800} {at}\n')
    for at in range(NOW - 300, NOW, 15):
        file.write(f'errors_total{{job="api",instance="a"}} {at - NOW + 300} {at}\n')


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(directory, write)
    with start_prometheus(directory, {"global": {"scrape_interval": "15s"}}) as address:
        yield address


@pytest.fixture
def prometheus(url: str) -> Iterator[Prometheus]:
    with Prometheus(url) as asked:
        yield asked


def make_query(expr: str, *, is_instant: bool = False, announced: str = "") -> Query:
    return Query("palmonas-x", "a panel", "A", expr, is_instant, announced, 480)


ALL = {"job": ".+", "instance": ".+"}


@pytest.mark.parametrize("is_instant", [False, True])
@pytest.mark.parametrize(
    ("expr", "series"),
    [
        ('requests_total{job=~"$job", instance=~"${instance}"}', 2),
        ('rate(requests_total{job=~"$job"}[$__rate_interval])', 2),
        ("sum(increase(requests_total[$__range]))", 1),
        ('requests_total{instance=~"$instance"} * NaN', 0),
        ("requests_total > 1e9", 0),
    ],
)
def test_a_series_counts_when_it_has_a_value(prometheus: Prometheus, is_instant: bool, expr: str, series: int) -> None:
    answer = prometheus.ask(make_query(expr, is_instant=is_instant), View(NOW - 15, 900), ALL)
    assert answer.series == series
    assert 0 < answer.seconds < 30


def test_a_view_ends_where_it_says(prometheus: Prometheus) -> None:
    early = View(NOW - 600, 300)
    assert prometheus.ask(make_query("requests_total"), early, ALL).series == 2
    assert prometheus.ask(make_query("errors_total"), early, ALL).series == 0


def test_variables_offer_what_is_in_view(prometheus: Prometheus) -> None:
    view = View(NOW, 900)
    assert prometheus.list_values('label_values(requests_total{job=~"$job"}, instance)', view, ALL) == ["a", "b"]
    assert prometheus.list_values("label_values(nothing_total, instance)", view, ALL) == []
    with pytest.raises(UsageError, match="is no label_values"):
        prometheus.list_values("query_result(up)", view, ALL)


def test_a_query_that_is_refused_and_a_server_that_is_gone_are_one_sentence(prometheus: Prometheus) -> None:
    with pytest.raises(UsageError, match=r"Prometheus refused 'sum\(': .*unclosed"):
        prometheus.ask(make_query("sum("), View(NOW, 900), ALL)
    with Prometheus(f"http://127.0.0.1:{find_free_port()}") as gone, pytest.raises(UsageError, match="does not answer"):
        gone.ask(make_query("up"), View(NOW, 900), ALL)


def make_panel(title: str, expr: str, description: str) -> dict[str, Any]:
    targets = [{"refId": "A", "expr": expr}]
    return {"title": title, "gridPos": {"w": 8}, "description": description, "targets": targets}


def test_a_fault_fills_panels_that_are_empty_without_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = make_panel("Traffic", "requests_total", "All of it.\n\nWatched by: ApiDown (docs/runbooks).")
    errors = make_panel("Errors", 'errors_total{job=~"$job"}', "Those that failed.\n\nMay be empty: no error yet.")
    never = make_panel("Never", "nothing_total", "None.\n\nMay be empty: it never happens.")
    variables = {"templating": {"list": [{"name": "job", "type": "query", "allValue": ".+"}]}}
    here = {"uid": "here", "panels": [watched, errors, never], **variables}
    elsewhere = {"uid": "elsewhere", "panels": [errors], **variables}
    assert [query.announced for query in list_queries(here)] == ["", "no error yet", "it never happens"]
    monkeypatch.setattr(filled, "read_dashboards", lambda: [here, elsewhere])
    monkeypatch.setattr(filled, "read_empty", lambda: {"here": ["Errors", "Never"], "elsewhere": ["Another"]})
    layout = SimpleNamespace(ports={"prometheus": int(url.rpartition(":")[2])})
    stand = cast(Stand, SimpleNamespace(layout=layout, factor=1.0))
    assert find_filled(stand, time.time() - 900) == {"here": ["Errors"]}
    layout.ports["prometheus"] = find_free_port()
    assert find_filled(stand, time.time() - 900) == {}, "the fault may be in Prometheus itself"
