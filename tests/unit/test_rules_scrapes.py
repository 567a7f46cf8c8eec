"""Recorded scrapes: what exporters emit, and what the rules' tests must be fed with."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser as ast
import pytest
import yaml

from app import telemetry
from rules.contract import emitted, known_metrics
from rules.scrapes import read_scrapes, trim_scrape

ROOT = Path(__file__).resolve().parents[2]
SCRAPES = read_scrapes()
# Put on by the scrape configuration, or by who runs the stack, and so in no recorded scrape.
TARGET = {"job", "instance", "role"}


def read_inputs() -> list[object]:
    """(file, series) of every input series of the rules' tests."""
    found = []
    for path in sorted((ROOT / "prometheus/tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            found += [(path.stem, entry["series"]) for entry in test["input_series"]]
    return [pytest.param(series, id=f"{file}-{series[:60]}") for file, series in sorted(set(found))]


def test_scrapes_are_read() -> None:
    debian, newer = SCRAPES["pg_stat_activity_count"]
    assert debian.kind == "gauge"
    assert debian.labels == {"datname", "server", "state"}
    assert (debian.file, newer.file) == ("postgres_exporter-0.11", "postgres_exporter-0.17")
    assert newer.labels > debian.labels
    assert SCRAPES["pg_stat_database_xact_commit"][0].kind == "counter"  # by its type, not by its name
    assert SCRAPES["haproxy_server_check_failures_total"][0].kind == "counter"
    assert SCRAPES["prometheus_http_request_duration_seconds_bucket"][0].kind == "counter"


@pytest.mark.parametrize("series", read_inputs())
def test_inputs_are_shaped_like_the_real_ones(series: str) -> None:
    """A test that is fed with series that nobody emits proves nothing."""
    selector = ast.parse(series)
    assert isinstance(selector, ast.VectorSelector)
    name = selector.name or ""
    given = {matcher.name for matcher in selector.matchers.matchers}
    assert name in known_metrics(), f"nobody emits {name}"
    if name in emitted() and emitted()[name].source not in telemetry.DECLARED and name in SCRAPES:
        shapes = {shape for scraped in SCRAPES[name] for shape in scraped.shapes}
        # A target of ours has a role, and so has what Redis says of itself.
        told = " or ".join(map(str, map(sorted, shapes)))
        assert given - TARGET in {shape - TARGET for shape in shapes}, f"{name} comes with {told}"
    else:
        assert given <= known_metrics()[name].labels | TARGET


def test_nothing_of_the_recording_machine_is_kept() -> None:
    for path in (ROOT / "prometheus/scrapes").glob("*.prom"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"uname_info|dmi_info|os_info|/var/tmp|/home/|/root/", text), path.name


def test_a_scrape_is_trimmed_by_shape() -> None:
    lines = [f'x_total{{a="{number}"}} {number}' for number in range(9)] + ["x_total 1"]
    trimmed = trim_scrape("\n".join(["# TYPE x_total counter", *lines, ""]))
    assert trimmed.splitlines() == ["# TYPE x_total counter", *lines[:3], "x_total 1"]
