"""What panels show of given series, by promtool: nothing unknown is green, and lines stand where alerts do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.catalogue import build_dashboards
from tests.integration.test_rules_promtool import run_promtool

VARIABLES = {"$job": ".+", "$instance": ".+", "$__rate_interval": "5m", "$__range": "1h"}
BOARDS = {board["uid"]: board for board in build_dashboards()}
WATCHDOG = ('ALERTS{alertname="Watchdog", alertstate="firing", area="monitoring", severity="none"}', "1x60")
FIRES = (
    'ALERTS{alertname="ChannelSilent", alertstate="firing", area="channels", severity="warning", channel="shopify"}',
    "1x60",
)
UP = ('up{job="a", instance="1"}', "1x60")
DOWN = ('up{job="a", instance="2"}', "0x60")
POSTGRESQL = ('pg_up{job="postgresql", instance="1"}', "1x60")
PARTS = (
    "api", "containers", "haproxy", "host", "monitoring", "orders", "pools", "postgresql", "queues", "redis", "slo",
)  # fmt: skip
NUMBERS = [
    ("palmonas-overview", "Alerts firing"),
    ("palmonas-alerts", "Pages firing"),
    ("palmonas-alerts", "Warnings firing"),
    ("palmonas-alerts", "Pending"),
    ("palmonas-alerts", "Came and went"),
    ("palmonas-slo", "Burn alerts firing"),
]
Series = tuple[str, str]


def find_query(uid: str, title: str, number: int = 0) -> str:
    panels = [panel for panel in BOARDS[uid]["panels"] if panel["title"] == title]
    text: str = panels[0]["targets"][number]["expr"]
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def check(tmp_path: Path, series: list[Series], expr: str, shown: dict[str, float]) -> None:
    """promtool must find what is `shown` (values by series) half an hour after the first sample."""
    samples = [{"labels": labels, "value": value} for labels, value in shown.items()]
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [{"expr": expr, "eval_time": "40m", "exp_samples": samples}],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"tests": [case]}), encoding="utf-8")
    done = run_promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("uid", "title"), NUMBERS)
def test_no_number_is_green_while_no_rule_is_evaluated(tmp_path: Path, uid: str, title: str) -> None:
    check(tmp_path, [UP], find_query(uid, title), {})
    check(tmp_path, [UP, WATCHDOG], find_query(uid, title), {"{}": 0})


def test_alerts_are_counted(tmp_path: Path) -> None:
    check(tmp_path, [WATCHDOG, FIRES], find_query("palmonas-overview", "Alerts firing"), {"{}": 1})


def test_no_part_is_green_while_no_rule_is_evaluated(tmp_path: Path) -> None:
    check(tmp_path, [UP, POSTGRESQL], find_query("palmonas-overview", "Parts, by what fires"), {})


def test_a_part_is_quiet_only_while_it_is_watched(tmp_path: Path) -> None:
    parts = {f'{{area="{part}"}}': -1.0 for part in PARTS} | {'{area="postgresql"}': 0.0}
    query = find_query("palmonas-overview", "Parts, by what fires")
    check(tmp_path, [WATCHDOG, POSTGRESQL], query, parts)
    check(tmp_path, [WATCHDOG, POSTGRESQL, FIRES], query, parts | {'{area="orders"}': 1.0})


def test_processes_down_are_counted_where_there_are_processes(tmp_path: Path) -> None:
    query = find_query("palmonas-overview", "Processes down")
    check(tmp_path, [], query, {})
    check(tmp_path, [UP], query, {"{}": 0})
    check(tmp_path, [UP, DOWN], query, {"{}": 1})


def make_deliveries(accepted: int, stored: int) -> list[Series]:
    """Deliveries a minute of one channel that were accepted and that became orders."""
    return [
        (
            'palmonas_accept_duration_seconds_count{job="api", instance="1", channel="shopify", outcome="accepted"}',
            f"0+{accepted}x60",
        ),
        ('palmonas_deliveries_stored_total{job="worker", instance="2", channel="shopify"}', f"0+{stored}x60"),
    ]


@pytest.mark.parametrize(("accepted", "line"), [(5, 10), (100, 60)])
def test_the_line_of_lost_deliveries_rises_with_what_is_accepted(tmp_path: Path, accepted: int, line: int) -> None:
    query = find_query("palmonas-orders", "Accepted and nowhere", 1)
    check(tmp_path, make_deliveries(accepted, accepted), query, {'{job="api"}': line})


def test_finished_jobs_do_not_hide_those_that_wait(tmp_path: Path) -> None:
    jobs = [
        ('rq_jobs{job="exporter", instance="1", queue="ingest", status="queued"}', "2x60"),
        ('rq_jobs{job="exporter", instance="1", queue="ingest", status="finished"}', "300x60"),
    ]
    query = find_query("palmonas-queues", "Jobs by status")
    check(tmp_path, jobs, query, {'{queue="ingest", status="queued"}': 2})


def test_alerts_of_three_disks_are_three_rows_that_differ(tmp_path: Path) -> None:
    of_disks = [
        (
            'ALERTS{alertname="HostDiskFilling", alertstate="firing", severity="warning", area="host", job="node", '
            f'instance="host-1", mountpoint="{place}"}}',
            "1x60",
        )
        for place in ("/", "/var")
    ]
    of_job = (
        'ALERTS{alertname="TargetAbsent", alertstate="firing", severity="warning", job="redis", queue="a"}',
        "1x60",
    )
    of_nothing = ('ALERTS{alertname="Watchdog", alertstate="firing", severity="none"}', "1x60")
    text = find_query("palmonas-monitoring", "Alerts now")
    query = f'count by (what) (label_replace({text}, "what", "$1", "what", "(.*[^ ]) *"))'
    shown = {f'{{what="{what}"}}': 1.0 for what in ("host-1   /", "host-1   /var", f"redis{' ' * 6}a", "-")}
    check(tmp_path, [*of_disks, of_job, of_nothing], query, shown)
