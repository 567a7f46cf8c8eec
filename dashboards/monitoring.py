"""Monitoring itself: is everything scraped, are the rules evaluated, do alerts reach somebody."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, listing, number, rate
from dashboards.parts import CHOSEN
from dashboards.queries import Line, interval_used, max_of, mean_of, name_groups, name_subject, pick, sum_of, sum_rate

RULE_FAILURES = "prometheus_rule_evaluation_failures_total"
NOTIFY_ERRORS = "prometheus_notifications_errors_total"
LOST = "alertmanager_notifications_failed_total"
TSDB_FAILURES = (
    "compactions_failed",
    "reloads_failures",
    "wal_corruptions",
    "wal_writes_failed",
    "wal_truncations_failed",
    "head_truncations_failed",
    "checkpoint_creations_failed",
)
ALONE = "no Alertmanager runs here"


def _in_view(counter: str) -> str:
    return f"sum(increase({pick(counter)}[$__range]))"


def _answer() -> list[Any]:
    return [
        number(
            "Targets down",
            "Targets that do not answer Prometheus.",
            f"sum({pick('up')} == bool 0)",
            "none",
            limits=[(1, YELLOW)],
            alerts=["TargetAbsent", "ExporterMissing"],
        ),
        number(
            "Rules failed, in view",
            "Evaluations of rules that failed in the time shown. An alert of such a rule is blind.",
            _in_view(RULE_FAILURES),
            "none",
            limits=[(1, RED)],
            alerts=["RuleEvaluationFailed"],
        ),
        number(
            "Not handed over",
            "Attempts to give alerts to Alertmanager that failed in the time shown.",
            _in_view(NOTIFY_ERRORS),
            "none",
            limits=[(1, YELLOW)],
            alerts=["PrometheusNotificationsFailing"],
            may_be_empty=ALONE,
        ),
        number(
            "Not delivered, in view",
            "Notifications that Alertmanager gave up in the time shown: somebody was not called.",
            _in_view(LOST),
            "none",
            limits=[(1, RED)],
            alerts=["AlertmanagerNotificationsFailing"],
            may_be_empty=ALONE,
        ),
        number(
            "Configurations in force",
            "1: Prometheus and Alertmanager run with their newest configuration. 0: one refused it.",
            f"min({pick('prometheus_config_last_reload_successful')} or "
            f"{pick('alertmanager_config_last_reload_successful')})",
            "none",
            limits=[(0, RED), (1, "green")],
            alerts=["PrometheusConfigReloadFailed", "AlertmanagerConfigReloadFailed"],
        ),
        number(
            "Series",
            "Series that Prometheus holds in memory: its cost.",
            max_of("prometheus_tsdb_head_series"),
            "short",
            alerts=["CardinalityGrowth"],
        ),
        listing(
            "Targets that do not answer",
            "Each with its job. A job that has no target at all is not here: see how many targets each job has.",
            f"{pick('up')} == 0",
            ["job", "instance"],
            alerts=["TargetAbsent", "TargetDown"],
            may_be_empty="every target answers",
        ),
        listing(
            "Alerts now",
            "What fires and what is about to. Watchdog always fires: it proves the way to the receiver.",
            name_subject(f"ALERTS{{{CHOSEN}}}"),
            ["alertname", "severity", "what", "alertstate"],
        ),
    ]


def _scraping() -> list[Any]:
    return [
        graph(
            "Targets that answer, by job",
            "A job that falls to 0, or whose line ends, is not watched any more.",
            [Line(sum_of("up", "job"), "{{job}}")],
            "short",
            alerts=["TargetAbsent", "ExporterMissing"],
            many=True,
        ),
        graph(
            "Samples of each scrape",
            "A target that brings more and more has a label whose values grow with traffic.",
            [Line(f"topk(10, {max_of('scrape_samples_post_metric_relabeling', 'job, instance')})", "{{instance}}")],
            "short",
            limits=[("scrape_growth_minimum", YELLOW)],
            alerts=["CardinalityGrowth", "SampleLimitExceeded"],
            many=True,
        ),
        graph(
            "Time of a scrape",
            "The slowest targets. At 10 s a scrape is given up, and the target counts as down.",
            [Line(f"topk(10, {max_of('scrape_duration_seconds', 'job, instance')})", "{{instance}}")],
            "s",
            many=True,
        ),
        rate(
            "Scrapes thrown away",
            "Scrapes with more samples than the limit, per second. The target counts as down.",
            "prometheus_target_scrapes_exceeded_sample_limit_total",
            "instance",
            alerts=["SampleLimitExceeded"],
        ),
        graph(
            "New series",
            "Series a second that were not there before. A steady rate is churn: names that change all the time.",
            [Line(sum_rate("prometheus_tsdb_head_series_created_total", "instance"), "{{instance}}")],
            "cps",
            alerts=["CardinalityGrowth"],
        ),
        graph(
            "Collectors of our exporter",
            "1: the collector reads its server. 0: it cannot.",
            [Line(pick("palmonas_collector_up"), "{{instance}} {{collector}}")],
            "none",
            top=1,
            alerts=["CollectorFailed"],
            may_be_empty="the exporter does not answer",
        ),
    ]


def _rules() -> list[Any]:
    return [
        graph(
            "Failed evaluations",
            "By group, per second. Prometheus' page Alerts tells the error.",
            [Line(name_groups(f"{sum_rate(RULE_FAILURES, 'rule_group')} > 0"), "{{group}}")],
            "cps",
            alerts=["RuleEvaluationFailed"],
            may_be_empty="no rule fails",
        ),
        graph(
            "Share of the interval used",
            "What each group needs, of the time until its next turn. At 100 % evaluations are left out.",
            [Line(interval_used(5), "{{group}}")],
            "percentunit",
            many=True,
        ),
        rate(
            "Evaluations left out",
            "Because the one before was not done, per second.",
            "prometheus_rule_group_iterations_missed_total",
            "instance",
        ),
    ]


def _delivery() -> list[Any]:
    return [
        graph(
            "Handed to Alertmanager",
            "Alerts sent, and attempts that failed, per second.",
            [
                Line(sum_rate("prometheus_notifications_sent_total", "alertmanager"), "{{alertmanager}} sent"),
                Line(sum_rate(NOTIFY_ERRORS, "alertmanager"), "{{alertmanager}} failed"),
            ],
            "cps",
            alerts=["PrometheusNotificationsFailing"],
            may_be_empty=ALONE,
        ),
        graph(
            "Alertmanagers known",
            "To each Prometheus. At 0 its alerts go nowhere.",
            [Line(pick("prometheus_notifications_alertmanagers_discovered"), "{{instance}}")],
            "short",
            alerts=["AlertmanagerNotDiscovered"],
        ),
        graph(
            "Delivered by integration",
            "Notifications tried and given up, per second.",
            [
                Line(f"{sum_rate('alertmanager_notifications_total', 'integration')} > 0", "{{integration}} tried"),
                Line(f"{sum_rate(LOST, 'integration')} > 0", "{{integration}} given up"),
            ],
            "cps",
            alerts=["AlertmanagerNotificationsFailing"],
            may_be_empty="nothing is to be delivered",
        ),
        graph(
            "Time of a delivery",
            "Mean time that a receiver took.",
            [Line(mean_of("alertmanager_notification_latency_seconds", "integration"), "{{integration}}")],
            "s",
            may_be_empty="nothing is to be delivered",
        ),
        graph(
            "Alerts and silences",
            "What Alertmanager holds.",
            [
                Line(max_of("alertmanager_alerts", "state"), "alerts {{state}}"),
                Line(max_of("alertmanager_silences", "state"), "silences {{state}}"),
            ],
            "short",
            may_be_empty=ALONE,
        ),
        graph(
            "Configuration in force",
            "1: the newest. 0: the last reload was refused, and a restart would fail.",
            [
                Line(pick("prometheus_config_last_reload_successful"), "{{instance}}"),
                Line(pick("alertmanager_config_last_reload_successful"), "{{instance}}"),
            ],
            "none",
            top=1,
            alerts=["PrometheusConfigReloadFailed", "AlertmanagerConfigReloadFailed"],
        ),
    ]


def _storage() -> list[Any]:
    return [
        graph(
            "Failures of the store",
            "Between two points, by kind.",
            [
                Line(f"increase({pick(f'prometheus_tsdb_{name}_total')}[$__rate_interval])", f"{{{{instance}}}} {name}")
                for name in TSDB_FAILURES
            ],
            "short",
            alerts=["PrometheusStorageFailing"],
            many=True,
        ),
        graph(
            "Age of the newest sample",
            "Of each Prometheus' scrape of itself. While it grows nothing is stored: the disk is full.",
            [Line(f"time() - timestamp({pick('prometheus_build_info')})", "{{instance}}")],
            "s",
            limits=[("sample_age_page", RED)],
            alerts=["PrometheusNotIngestingSamples"],
        ),
        graph(
            "Series in memory",
            "The head block: what was written in the last two to three hours.",
            [Line(pick("prometheus_tsdb_head_series"), "{{instance}}")],
            "short",
            alerts=["CardinalityGrowth"],
        ),
        graph(
            "Memory of Prometheus and Alertmanager",
            "Resident memory.",
            [
                Line(
                    f"{pick('process_resident_memory_bytes')} and on (job, instance) "
                    f"({pick('prometheus_build_info')} or {pick('alertmanager_build_info')})",
                    "{{instance}}",
                )
            ],
            "bytes",
        ),
    ]


def build() -> dict[str, Any]:
    """Monitoring itself, as Grafana's JSON."""
    board = start(
        "palmonas-monitoring",
        "Is everything scraped, are the rules evaluated, do alerts reach somebody.",
        jobs_from="up",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Scraping", _scraping())
    board = add_row(board, "Rules", _rules())
    board = add_row(board, "Delivery", _delivery())
    return finish(add_row(board, "Store", _storage()))
