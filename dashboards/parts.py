"""The parts of the service, and which of them is worst off by what fires."""

from __future__ import annotations

from dashboards.queries import EVALUATED, pick, pick_job
from rules.limits import wanted_areas

# ALERTS carries only the labels that the alert kept: `|` lets those through that have no instance or no job.
CHOSEN = 'job=~"$job|", instance=~"$instance|"'
# What Prometheus has of each part while somebody watches it. A part is an area of alerts; the channels' is the orders'.
SIGNALS = {
    "api": (pick("palmonas_http_requests_in_flight"), pick("flask_exporter_info")),
    # One series of each container: a state timeline asks for a point of each pixel.
    "containers": (pick("palmonas_container_state", 'state="running"'), pick("container_spec_memory_limit_bytes")),
    "haproxy": (pick("haproxy_server_status"),),
    "host": (pick("node_memory_MemAvailable_bytes"),),
    "monitoring": (pick("prometheus_build_info"),),
    "orders": (pick("palmonas_inbox_pending"),),
    "pools": (pick("db_client_connection_max"),),
    "postgresql": (pick("pg_up"),),
    "queues": (pick("rq_workers"),),
    "redis": (pick("redis_up"),),
    "slo": (pick_job("job_slo:palmonas_slo_events:rate5m"),),
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
        parts.append(f'label_replace(0 * count({" or ".join(signals)}) or vector(-1), "area", "{area}", "", "")')
    return f"max by (area) ({named} or ({' or '.join(parts)}) and on () {EVALUATED})"
