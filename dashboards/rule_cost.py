"""What the rules cost and how late they are: part of the time until somebody is told."""

from __future__ import annotations

from typing import Any

from dashboards.panels import graph, listing
from dashboards.queries import Line, interval_used, mean_of, pick, sum_of, sum_rate


def show_cost() -> list[Any]:
    """Panels of the dashboard of alert quality."""
    return [
        listing(
            "Share of the interval used",
            "What the groups that need most take of the time until their next turn. At 100 % evaluations are left out.",
            f"sort_desc({interval_used(8)})",
            ["group"],
            unit="percentunit",
            value="used",
            width=8,
            leads_to="palmonas-monitoring",
        ),
        graph(
            "Time spent on rules",
            "Seconds of evaluation per second, all rules together. On one core.",
            [Line(sum_rate("prometheus_rule_evaluation_duration_seconds_sum", "instance"), "{{instance}}")],
            "percentunit",
        ),
        graph(
            "Mean time of a rule",
            "One evaluation of one expression.",
            [Line(mean_of("prometheus_rule_evaluation_duration_seconds", "instance"), "{{instance}}")],
            "s",
        ),
        graph(
            "Rules",
            "Alerting and recording rules that are loaded.",
            [Line(sum_of("prometheus_rule_group_rules", "instance"), "{{instance}}")],
            "short",
        ),
        graph(
            "Evaluations that failed or were left out",
            "Per second. While a rule fails, its alert is blind.",
            [
                Line(sum_rate("prometheus_rule_evaluation_failures_total", "instance"), "{{instance}} failed"),
                Line(sum_rate("prometheus_rule_group_iterations_missed_total", "instance"), "{{instance}} left out"),
            ],
            "cps",
            alerts=["RuleEvaluationFailed"],
        ),
        graph(
            "Age of the last evaluation",
            "Of the group that was evaluated longest ago: part of the time to detect. Twice the interval is late.",
            [
                Line(
                    f"time() - min by (instance) ({pick('prometheus_rule_group_last_evaluation_timestamp_seconds')})",
                    "{{instance}}",
                )
            ],
            "s",
        ),
    ]
