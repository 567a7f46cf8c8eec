"""Words for queries: PromQL that always uses the dashboard's job and instance variables."""

from __future__ import annotations

from typing import NamedTuple

# Recorded, because a day of 20 instances is too much to add up each time that somebody looks.
ACCEPT_BUCKETS = "job_channel_le:palmonas_accept_duration_seconds_bucket:rate5m"
POOL_FILL = "job_instance_pool:db_client_connection_used:ratio"
ALL_INSTANCES = "Of all instances over five minutes, whichever is chosen."
ALL_PROCESSES = "Of all processes over five minutes, whichever is chosen."
# Watchdog fires for as long as rules are evaluated. Without it, that nothing fires says nothing.
EVALUATED = 'ALERTS{job=~"$job|", instance=~"$instance|", alertname="Watchdog", alertstate="firing"}'
NOTHING_FIRES = f"(vector(0) and on () {EVALUATED})"
BLIND = "no rule is evaluated: does rule_files name the rules, Watchdog among them?"

# What tells of which part an alert is, the wider before the narrower.
SUBJECT = (
    "job", "instance", "part", "target", "mountpoint", "pool", "queue", "channel", "proxy", "server", "service", "name",
    "datname", "application_name", "slot_name", "slo", "window", "collector", "alertmanager", "integration", "kind",
    "process", "rule_group",
)  # fmt: skip


class Line(NamedTuple):
    """One query of a panel and the legend of its series (Grafana's `{{label}}` form).

    `dashed` is the colour of a line that is no measurement, and that alerts compare with what is measured.
    """

    expr: str
    legend: str
    dashed: str = ""


def pick(metric: str, *matchers: str) -> str:
    """The series of `metric` that the dashboard's variables choose; `matchers` as in PromQL."""
    inside = ", ".join(('job=~"$job"', 'instance=~"$instance"', *matchers))
    return f"{metric}{{{inside}}}"


def pick_job(metric: str, *matchers: str) -> str:
    """The series of a recording rule that has no `instance` any more, of the jobs that are chosen."""
    inside = ", ".join(('job=~"$job"', *matchers))
    return f"{metric}{{{inside}}}"


def rate_of(metric: str, *matchers: str) -> str:
    """Per-second rate of a counter, one series each."""
    return f"rate({pick(metric, *matchers)}[$__rate_interval])"


def sum_rate(metric: str, by: str = "", *matchers: str) -> str:
    """Per-second rate of a counter, summed; `by` is a comma-separated list of labels to keep."""
    return f"{_aggregate('sum', by)}({rate_of(metric, *matchers)})"


def top_sum_rate(count: int, metric: str, by: str, *matchers: str) -> str:
    """The `count` highest of `sum_rate`: for labels with more values than a graph can show."""
    return f"topk({count}, {sum_rate(metric, by, *matchers)})"


def sum_of(metric: str, by: str = "", *matchers: str) -> str:
    return f"{_aggregate('sum', by)}({pick(metric, *matchers)})"


def max_of(metric: str, by: str = "", *matchers: str) -> str:
    return f"{_aggregate('max', by)}({pick(metric, *matchers)})"


def quantile_of(quantile: float, histogram: str, by: str = "", *matchers: str) -> str:
    """Quantile of a histogram over all chosen instances, by the labels in `by`; absent while nothing is observed."""
    kept = f"{by}, le" if by else "le"
    # Without the comparison it is NaN then, and a panel would say so instead of why it is empty.
    return f"histogram_quantile({quantile:g}, {sum_rate(f'{histogram}_bucket', kept, *matchers)}) >= 0"


def recorded_quantile(quantile: float, buckets: str, by: str = "") -> str:
    """The same of buckets whose rates are recorded without `instance`: sums, so that they may be added up further."""
    kept = f"{by}, le" if by else "le"
    return f"histogram_quantile({quantile:g}, sum by ({kept}) ({pick_job(buckets)})) >= 0"


def mean_of(histogram: str, by: str = "", *matchers: str) -> str:
    """Mean of a histogram or summary; absent while nothing is observed."""
    observed = sum_rate(f"{histogram}_count", by, *matchers)
    return f"{sum_rate(f'{histogram}_sum', by, *matchers)} / ({observed} > 0)"


def ratio_of(part: str, whole: str) -> str:
    """A share; absent while the whole is 0, because 0/0 is not `none`."""
    return f"{part} / ({whole} > 0)"


def interval_used(count: int) -> str:
    """The share of its interval that each of the `count` slowest groups of rules needs; label `group` is its name."""
    used = ratio_of(
        max_of("prometheus_rule_group_last_duration_seconds", "rule_group"),
        max_of("prometheus_rule_group_interval_seconds", "rule_group"),
    )
    return name_groups(f"topk({count}, {used})")


def name_groups(expr: str) -> str:
    """`expr` with a label `group`: Prometheus' own `rule_group` begins with the path of a file."""
    return f'label_replace({expr}, "group", "$1", "rule_group", ".*;(.+)")'


def name_subject(alerts: str) -> str:
    """`alerts` with a label `what`: those of SUBJECT that each has, but for the job where an instance says it.

    Of an alert that has none (Watchdog) it is a dash: a table reads a text of nothing but spaces as the number 0.
    """
    labels = ", ".join(f'"{label}"' for label in SUBJECT)
    named = f'label_replace(label_join({alerts}, "what", " ", {labels}), "what", "$1", "what", "[^ ]+ ([^ ].*)")'
    return f'label_replace({named}, "what", "-", "what", " *")'


def quantile_lines(histogram: str, *matchers: str) -> list[Line]:
    """The median, the 90th and the 99th percentile over everything chosen."""
    return [Line(quantile_of(q, histogram, "", *matchers), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)]


def _aggregate(operation: str, by: str) -> str:
    return f"{operation} by ({by}) " if by else operation
