"""The parts of the service, and which of them is worst off by what fires."""

from __future__ import annotations

from dashboards.queries import EVALUATED, pick, pick_job
from rules.limits import wanted_areas

# ALERTS carries only the labels that the alert kept: `|` lets those through that have no instance or no job.
CHOSEN = 'job=~"$job|", instance=~"$instance|"'
# What Prometheus has of each part while somebody watches it. A part is an area of alerts; the channels' is the orders'.
SIGNALS = {
    "api": ("palmonas_http_requests_in_flight", "flask_http_request_duration_seconds_count"),
    "containers": ("palmonas_container_state", "container_spec_memory_limit_bytes"),
    "haproxy": ("haproxy_server_status",),
    "host": ("node_memory_MemAvailable_bytes",),
    "monitoring": ("prometheus_build_info",),
    "orders": ("palmonas_inbox_pending",),
    "pools": ("db_client_connection_max",),
    "postgresql": ("pg_up",),
    "queues": ("rq_workers",),
    "redis": ("redis_up",),
    "slo": ("job_slo:palmonas_slo_events:rate5m",),
}


def find_worst() -> str:
    """For each part: nothing is known, nothing fires, something warns, something pages (-1 to 2)."""
    level = {"page": 2, "warning": 1}
    firing = [
        f'{value} * ALERTS{{{CHOSEN}, alertstate="firing", severity="{severity}"}}' for severity, value in level.items()
    ]
    named = f'label_replace({" or ".join(firing)}, "area", "orders", "area", "channels")'
    parts = []
    wanted = {area.replace("channels", "orders") for area in wanted_areas()}
    for area, signals in ((area, signals) for area, signals in SIGNALS.items() if area in wanted):
        # The instant of a counter, and not what it counts.
        watched = " or ".join(f"timestamp({(pick_job if ':' in one else pick)(one)})" for one in signals)
        parts.append(f'label_replace(0 * count({watched}) or vector(-1), "area", "{area}", "", "")')
    return f"max by (area) ({named} or ({' or '.join(parts)}) and on () {EVALUATED})"
