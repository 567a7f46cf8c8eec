"""Metric, rule, panel: one contract. What a query names is declared; what is declared is used, or reported."""

import json
from pathlib import Path

import pytest

from app import telemetry
from dashboards.catalogue import build_dashboards
from dashboards.reference import find_uses, panel_queries, unused_metrics
from rules.contract import Metric, Reader, check_recording, emitted, known_metrics
from rules.files import Recording, read_alerts, read_recordings

ROOT = Path(__file__).resolve().parents[2]


def read_problems(expr: str) -> list[str]:
    reader = Reader(known_metrics())
    reader.read(expr)
    return reader.problems


@pytest.mark.parametrize("recording", read_recordings(), ids=lambda one: one.name)
def test_recording_rule_keeps_the_contract(recording: Recording) -> None:
    assert check_recording(recording) == []


@pytest.mark.parametrize("alert", read_alerts(), ids=lambda one: f"{one.name}-{one.labels['severity']}")
def test_alert_keeps_the_contract(alert: object) -> None:
    assert read_problems(alert.expr) == []


@pytest.mark.parametrize("path", sorted((ROOT / "grafana/dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_dashboard_keeps_the_contract(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    broken = {title: read_problems(expr) for title, expr in panel_queries(board) if read_problems(expr)}
    assert broken == {}


def test_recording_rules_have_names_of_their_own() -> None:
    series = [(recording.name, recording.labels) for recording in read_recordings()]
    assert len(set(series)) == len(series)
    assert not {name for name, _ in series} & emitted().keys()


def test_every_declared_metric_is_used_or_reported(capsys: pytest.CaptureFixture[str]) -> None:
    unused = unused_metrics(build_dashboards())
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    report = page.split("## Not used yet\n")[1].split("\n## ")[0]
    for name in unused:
        assert f"`{name}`" in report
    for name in telemetry.DECLARED.keys() - set(unused):
        assert f"`{name}`" not in report
    with capsys.disabled():
        print(f"\ndeclared and not used yet: {', '.join(unused) or 'none'}")


def test_a_use_through_a_recording_rule_counts() -> None:
    uses = find_uses([{"uid": "one", "panels": [_panel("job_pool:db_client_connection_used:ratio")]}])
    assert "one" in uses["db_client_connection_count"]
    assert "one" in uses["db_client_connection_max"]
    assert "one" not in uses["rq_jobs"]


def _panel(expr: str) -> dict[str, object]:
    return {"title": "a panel", "targets": [{"expr": expr}]}


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ("rq_workers_total", "nobody emits rq_workers_total"),
        ("{job='palmonas-api'}", "nobody emits a selector without a name"),
        ("rate(rq_jobs[5m])", "rate() of rq_jobs, which is a gauge"),
        ("deriv(rq_jobs_processed_total[5m])", "which is a counter: use rate()"),
        ("rq_jobs_processed_total > 3", "without rate() or increase()"),
        ("sum(palmonas_accept_duration_seconds_count)", "without rate() or increase()"),
        ('rq_jobs{state="queued"}', "rq_jobs has no label state"),
        ('up{pool="postgres"}', "up has no label pool"),
        ("sum by (channel) (rq_workers)", "grouped by channel, which is not there"),
        ("sum without (channel) (rq_workers)", "grouped by channel, which is not there"),
        ("max by (instance) (sum by (job) (rq_workers))", "grouped by instance, which is not there"),
        ("rq_jobs / on (pool) rq_workers", "joined by pool, which is not on both sides"),
        ("rq_jobs unless on (status) rq_workers", "joined by status, which is not on both sides"),
        ('rate(rq_job_run_seconds_bucket{le="5.0"}[5m])', "matched on le"),
        ('rate(rq_job_run_seconds_bucket{le="5"}[5m])', "matched on le"),
        ('rate(rq_job_run_seconds_bucket{le=~"2.5|5"}[5m])', "matched on le"),
        ("histogram_quantile(0.9, sum by (job) (rate(rq_job_run_seconds_bucket[5m])))", "without le"),
        ("time() - timestamp(up and on (job) rq_workers)", "the moment of the query"),
        ("timestamp(sum(up))", "the moment of the query"),
        ("rate(rq_job_run_seconds[5m])", "nobody emits rq_job_run_seconds"),
        ("sum by (", "does not parse"),
        ('job_pool:db_client_connection_used:ratio{instance="a"}', "has no label instance"),
    ],
)
def test_breach_is_found(expr: str, complaint: str) -> None:
    assert complaint in " ".join(read_problems(expr))


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum by (job, queue) (rq_jobs)", {"job", "queue"}),
        ("max by (job) (timestamp((up)))", {"job"}),
        ("sum by (job) (up) and on (job) rq_workers unless on (job) rq_jobs", {"job"}),
        ("sum by (job) (up) or sum by (queue) (rq_workers)", {"job", "queue"}),
        ("sum without (status) (rq_jobs)", {"job", "instance", "role", "queue"}),
        ("sum(rq_jobs)", set()),
        ("rq_jobs / on (queue) rq_workers", {"queue"}),
        ("rq_jobs / ignoring (status) rq_workers", {"job", "instance", "role", "queue"}),
        (
            "sum by (queue) (rq_jobs) * on (queue) group_right () rq_workers",
            {"job", "instance", "role", "queue", "state"},
        ),
        ('absent(up{job="palmonas-api", role=~"a|b"})', {"job"}),
        ("time() - max by (job) (process_start_time_seconds)", {"job"}),
        ("histogram_quantile(0.9, sum by (job, le) (rate(rq_job_run_seconds_bucket[5m])))", {"job"}),
        ("count(rq_jobs) or vector(0)", set()),
        ("topk by (queue) (3, rq_jobs)", {"job", "instance", "role", "queue", "status"}),
        ("topk(3, sum by (queue) (rq_jobs))", {"queue"}),
        ("max_over_time(sum by (job) (rate(rq_jobs_processed_total[1m]))[5m:1m])", {"job"}),
    ],
)
def test_labels_of_a_result_are_known(expr: str, labels: set[str]) -> None:
    assert read_problems(expr) == []
    assert Reader(known_metrics()).read(expr) == labels


def test_recording_rule_names_its_labels() -> None:
    keeps_pool = Recording("job:x:sum", "sum by (job, pool) (db_client_connection_max)", "somewhere")
    assert any("keeps the label pool" in problem for problem in check_recording(keeps_pool))
    nameless = Recording("job_x", "sum by (job) (rq_jobs)", "somewhere")
    assert any("level:metric:operations" in problem for problem in check_recording(nameless))


def test_the_kinds_of_the_libraries_metrics_are_right() -> None:
    """`FOREIGN` has no kind; the contract tells it by the name, and these are the names it must get right."""
    assert emitted()["flask_http_request_duration_seconds_count"].kind == "counter"
    assert emitted()["flask_http_request_exceptions_total"].kind == "counter"
    assert emitted()["process_open_fds"] == Metric(
        "process_open_fds", "gauge", frozenset({"job", "instance", "role"}), "process_open_fds"
    )
