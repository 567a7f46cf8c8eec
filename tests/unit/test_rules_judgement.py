"""What PromQL allows and a rule must not do is found, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.files import Alert, Recording, read_alerts, read_recordings
from rules.judgement import find_line, judge_rule

RULES = (*read_recordings(), *read_alerts())


def judge(expr: str, *, alert: bool = True) -> str:
    made = Alert("A", expr, "0s", {}, {}, "alerts/pools.yml") if alert else Recording("a:b:c", expr, "rules/pools.yml")
    return " ".join(finding.problem for finding in judge_rule(made, Path(__file__).parents[2] / "prometheus"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.file.split('/')[-1]}-{rule.name}")
def test_our_rules_pass(rule: Recording | Alert) -> None:
    assert [str(finding) for finding in judge_rule(rule)] == []
    assert find_line(rule) > 1


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ("sum(rq_jobs) / sum(rq_workers) > 0.5", "divides by sum(rq_workers{}), which may be 0"),
        ("sum(rq_jobs) / 0", "divides by 0"),
        ("sum(rq_jobs) / (sum(rq_workers) >= 0)", "which may be 0"),
        ("sum(rq_jobs) / (sum(rq_workers) - 3 > -1 or sum(up))", "which may be 0"),
        ("avg by (job) (job_instance_pool:db_client_connection_used:ratio) > 0.8", "averages what is an average"),
        ("avg_over_time(job_role:flask_http_request_errors:ratio_rate5m[1h]) > 0.01", "averages what is an average"),
        ("avg(sum by (job) (rq_jobs) / (sum by (job) (rq_workers) > 0)) > 1", "divide the sum by the sum"),
        ("avg(histogram_quantile(0.9, sum by (job, le) (rate(rq_job_run_seconds_bucket[5m]))))", "averages what"),
        (
            "sum by (job) (db_client_connection_count) / (sum by (job) (db_client_connection_max) > 0) > 1",
            "sums instance away",
        ),
    ],
)
def test_what_misleads_is_found(expr: str, complaint: str) -> None:
    assert complaint in judge(expr)


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rq_jobs) / (sum(rq_workers) > 0)",
        "sum(rq_jobs) / (sum(rq_workers) >= 20)",
        "sum(rq_jobs) / 60",
        "avg by (job) (rq_jobs) > 3",
        "avg_over_time(rq_jobs[5m]) > 3",
        "max by (job) (job_instance_pool:db_client_connection_used:ratio) > 0.8",
        'db_client_connection_count{state="used"} / ignoring (state) (db_client_connection_max > 0) >= 1',
    ],
)
def test_what_is_right_passes(expr: str) -> None:
    assert judge(expr) == ""


def test_a_sum_over_instances_may_be_recorded() -> None:
    expr = "sum by (job) (db_client_connection_count) / (sum by (job) (db_client_connection_max) > 0)"
    assert judge(expr, alert=False) == ""


def test_a_finding_says_where(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts/x.yml").write_text("groups:\n  - name: x\n    rules:\n      - alert: A\n", encoding="utf-8")
    (finding,) = judge_rule(Alert("A", "rq_jobs / rq_workers", "0s", {}, {}, "alerts/x.yml"), tmp_path)
    assert str(finding).startswith("alerts/x.yml:4: A: divides by rq_workers{}")
