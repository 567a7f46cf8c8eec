"""Alert quality: how often alerts fire, how long, which come and go, how quickly somebody is told, what it costs."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, listing, number, rate
from dashboards.queries import (
    BLIND,
    NOTHING_FIRES,
    Line,
    max_of,
    mean_of,
    name_subject,
    pick,
    quantile_of,
    sum_rate,
)
from dashboards.rule_cost import show_cost

# `|` lets alerts through that have no instance or no job. Watchdog fires always: it says nothing about quality.
CHOSEN = 'job=~"$job|", instance=~"$instance|", alertname!="Watchdog"'
STARTS = f"changes(ALERTS_FOR_STATE{{{CHOSEN}}}[$__range])"
LATENCY = "alertmanager_notification_latency_seconds"
HANDOVER = "prometheus_notifications_latency_seconds"
FLAPPING = 3  # activations in the time shown above which an alert comes and goes
FIRING = "firing"
SILENT = "no alert fired in the time shown"
INACTIVE = "no alert was pending or firing in the time shown"
NOBODY = "no receiver has been told of anything yet"
PAGE, WARNING = 'severity="page"', 'severity="warning"'
ALONE = "no Alertmanager runs here"


def _chosen(state: str, *more: str) -> str:
    matchers = ", ".join((CHOSEN, f'alertstate="{state}"', *more))
    return f"ALERTS{{{matchers}}}"


def _seconds(state: str, by: str) -> str:
    """Seconds in the time shown that alerts were in `state`: evaluations that found it, times their distance."""
    step = f"scalar(max({pick('prometheus_rule_group_interval_seconds')}))"
    return f"sum by ({by}) (count_over_time({_chosen(state)}[$__range])) * {step}"


def _activations(by: str) -> str:
    return f"sum by ({by}) ({STARTS} + 1)"


def _answer() -> list[Any]:
    return [
        number(
            "Pages firing",
            "Alerts that wake somebody, firing now.",
            f"count({_chosen('firing', PAGE)}) or {NOTHING_FIRES}",
            "none",
            limits=[(1, RED)],
            without=BLIND,
        ),
        number(
            "Warnings firing",
            "Alerts for working hours, firing now.",
            f"count({_chosen('firing', WARNING)}) or {NOTHING_FIRES}",
            "none",
            limits=[(1, YELLOW)],
            without=BLIND,
        ),
        number(
            "Pending",
            "Alerts whose condition holds, and whose time has not come yet.",
            f"count({_chosen('pending')}) or {NOTHING_FIRES}",
            "none",
            without=BLIND,
        ),
        number(
            "Came and went",
            f"Alerts that became active {FLAPPING} times or more in the time shown: noise, or a part that is ill.",
            f"count({_activations('alertname')} >= {FLAPPING}) or {NOTHING_FIRES}",
            "none",
            limits=[(1, YELLOW)],
            without=BLIND,
        ),
        number(
            "To the receiver, p99",
            "99 of 100 deliveries took Alertmanager at most this long.",
            quantile_of(0.99, LATENCY),
            "s",
            limits=[(5, YELLOW)],
            may_be_empty=NOBODY,
        ),
        number(
            "Not delivered, in view",
            "Notifications that Alertmanager gave up in the time shown: somebody was not called.",
            f"sum(increase({pick('alertmanager_notifications_failed_total')}[$__range]))",
            "none",
            limits=[(1, RED)],
            alerts=["AlertmanagerNotificationsFailing"],
            may_be_empty=ALONE,
        ),
        graph(
            "Firing, by severity",
            "How many alerts fire. What never falls to 0 is not read any more.",
            [Line(f"count by (severity) ({_chosen('firing')})", "{{severity}}")],
            "short",
            stacked=True,
            width=12,
            may_be_empty=SILENT,
        ),
        listing(
            "Firing now, since",
            "The longest first. Each leads to its runbook.",
            f"sort({name_subject(f'ALERTS_FOR_STATE{{{CHOSEN}}} * 1000 and ignoring (alertstate) {_chosen(FIRING)}')})",
            ["alertname", "Value", "severity", "what"],
            unit="dateTimeFromNow",
            value="active since",
            may_be_empty=SILENT,
        ),
    ]


def _noise() -> list[Any]:
    return [
        listing(
            "How often each became active",
            "In the time shown, pending or firing, summed over what it watches. The first ones are to be mended first.",
            f"sort_desc({_activations('alertname, severity')})",
            ["alertname", "severity"],
            value="times",
            width=8,
            may_be_empty=INACTIVE,
        ),
        listing(
            "How long each fired",
            "In the time shown, summed over what it watches: two instances that fire for an hour are two hours.",
            f"sort_desc({_seconds('firing', 'alertname, severity')})",
            ["alertname", "severity"],
            unit="s",
            value="fired for",
            width=8,
            may_be_empty=SILENT,
        ),
        listing(
            "Pending before it fired",
            "Mean time that a condition held before its alert fired or went away: the part of the time to detect that "
            "`for` takes. To it come a scrape, an evaluation, and Alertmanager's group_wait. What drills measured "
            "from fault to notification: docs/alerts.md.",
            f"sort_desc({_seconds('pending', 'alertname, severity')} "
            f"/ on (alertname, severity) {_activations('alertname, severity')})",
            ["alertname", "severity"],
            unit="s",
            value="pending for",
            width=8,
            may_be_empty="no alert was pending in the time shown",
        ),
        graph(
            "Pending and firing, by alert",
            "When each came and went. Teeth are flapping: a longer `for`, `keep_firing_for`, or a distance between on "
            "and off would calm it.",
            [
                Line(f"count by (alertname) ({_chosen('firing')})", "{{alertname}} firing"),
                Line(f"count by (alertname) ({_chosen('pending')})", "{{alertname}} pending"),
            ],
            "short",
            may_be_empty=INACTIVE,
            many=True,
            width=12,
        ),
        graph(
            "Became active",
            "Alerts that became active again, in the width of a point. The first time of each is not counted.",
            [Line(f"sum by (area) (changes(ALERTS_FOR_STATE{{{CHOSEN}}}[$__rate_interval]))", "{{area}}")],
            "short",
            stacked=True,
            width=6,
            may_be_empty=INACTIVE,
        ),
        graph(
            "Held back",
            "What Alertmanager does with the alerts it holds: active ones are told, suppressed ones are silenced, or "
            "follow from another.",
            [Line(max_of("alertmanager_alerts", "state"), "{{state}}")],
            "short",
            stacked=True,
            width=6,
            may_be_empty=ALONE,
        ),
    ]


def _delivery() -> list[Any]:
    return [
        graph(
            "Told and given up",
            "Notifications per second by integration. Fewer than alerts is good: one fault, one notification.",
            [
                Line(sum_rate("alertmanager_notifications_total", "integration"), "{{integration}} tried"),
                Line(sum_rate("alertmanager_notifications_failed_total", "integration"), "{{integration}} given up"),
            ],
            "cps",
            alerts=["AlertmanagerNotificationsFailing"],
            may_be_empty=NOBODY,
            many=True,
        ),
        graph(
            "Time of a delivery",
            "Mean and 99th percentile of what a receiver took.",
            [
                Line(mean_of(LATENCY, "integration"), "{{integration}} mean"),
                Line(quantile_of(0.99, LATENCY, "integration"), "{{integration}} p99"),
            ],
            "s",
            may_be_empty=NOBODY,
        ),
        graph(
            "Prometheus to Alertmanager",
            "Time of handing alerts over, 99th percentile; part of the time to detect.",
            [Line(max_of(HANDOVER, "alertmanager", 'quantile="0.99"'), "{{alertmanager}}")],
            "s",
            alerts=["PrometheusNotificationsFailing"],
            may_be_empty=ALONE,
        ),
        rate(
            "Received by Alertmanager",
            "Alerts per second, firing and resolved. Prometheus repeats what fires, so that this is not how often.",
            "alertmanager_alerts_received_total",
            "status",
            may_be_empty=ALONE,
        ),
        graph(
            "Lost on the way",
            "Alerts per second that Prometheus could not hand over, or dropped because its queue was full.",
            [
                Line(sum_rate("prometheus_notifications_errors_total", "instance"), "{{instance}} not handed over"),
                Line(sum_rate("prometheus_notifications_dropped_total", "instance"), "{{instance}} dropped"),
            ],
            "cps",
            alerts=["PrometheusNotificationsFailing", "AlertmanagerNotDiscovered"],
            may_be_empty=ALONE,
        ),
        graph(
            "Silences",
            "active ones hide alerts now; somebody should know why.",
            [Line(max_of("alertmanager_silences", "state"), "{{state}}")],
            "short",
            may_be_empty=ALONE,
        ),
    ]


def build() -> dict[str, Any]:
    """The quality of the alerts, as Grafana's JSON."""
    board = start(
        "palmonas-alerts",
        "How often do alerts fire, which come and go, how quickly is somebody told.",
        jobs_from="up",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Noise", _noise())
    board = add_row(board, "Delivery", _delivery())
    return finish(add_row(board, "Cost and speed of the rules", show_cost()))
