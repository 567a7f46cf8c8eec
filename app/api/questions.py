"""All that the console asks Prometheus by itself: recorded series where there are, as dashboards and alerts read them.

tests/unit/test_operations_questions.py holds each against the contract of rules and dashboards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["1/s", "s", "ratio", "count"]

_TAKEN = "job_channel:palmonas_deliveries_taken:increase1h"
_BURN = "job_slo:palmonas_slo_errors:ratio_rate1h / on (slo) group_left () slo:palmonas_slo_budget:ratio"
_POOLS = '{pool!~"(redis-)?health"}'  # as in the rules: a running health check fills its own pool

SNAPSHOT: Mapping[str, str] = {
    "up": "up",
    # When somebody that is down was seen last.
    "last_up": "max_over_time((time() * (up == 1))[6h:1m]) and on (job, instance) up == 0",
    "started": "process_start_time_seconds",
    "version": "palmonas_build_info",
    "budget_left": "min by (slo) (job_slo:palmonas_slo_budget_left:ratio30d)",
    "burn": f"max by (slo) ({_BURN})",
    "pool_count": f"db_client_connection_count{_POOLS}",
    "pool_max": f"db_client_connection_max{_POOLS}",
    "pool_pending": f"db_client_connection_pending_requests{_POOLS}",
    "arrived": "sum by (queue) (job_queue:rq_jobs_arrived:rate5m)",
    "finished": "sum by (queue) (job_queue:rq_jobs_finished:rate5m)",
    "pg_up": "min(pg_up)",
    "pg_sessions": "max(job_instance:pg_client_sessions:sum)",
    "pg_allowed": "max(job_instance:pg_client_sessions_allowed:max)",
    "pg_transaction": "max(job_instance:pg_transaction_seconds:max)",
    "pg_lag": "max(job_instance_application_name:pg_replica_lag_bytes:max)",
}

CHANNELS: Mapping[str, str] = {
    "accepted": "sum by (channel) (job_channel:palmonas_deliveries_accepted:rate5m) * 60",
    "stored": "sum by (channel) (job_channel:palmonas_deliveries_stored:rate5m) * 60",
    # Seconds between two deliveries in the same hour of last week, as ChannelSilent compares; before there was such a
    # week, on average over a day.
    "usual_gap": (
        f"3600 / ((sum by (channel) ({_TAKEN} offset 1w) or sum by (channel) (avg_over_time({_TAKEN}[1d]))) > 0)"
    ),
    "bad_signatures": ('sum by (channel) (increase(palmonas_deliveries_rejected_total{reason="bad_signature"}[1h]))'),
    "caught": "sum by (channel) (increase(palmonas_reconciliation_caught_total[1d]))",
    "circuit": "max by (channel) (palmonas_channel_circuit_state)",
}


@dataclass(frozen=True, slots=True)
class Graph:
    """A small graph: one expression, and the dashboard that shows more of the same."""

    title: str
    unit: Unit
    expr: str
    dashboard: str


GRAPHS: Mapping[str, Graph] = {
    "accepted": Graph(
        "Accepted deliveries",
        "1/s",
        "sum by (channel) (job_channel:palmonas_deliveries_accepted:rate5m)",
        "palmonas-orders",
    ),
    "stored": Graph(
        "Stored deliveries",
        "1/s",
        "sum by (channel) (job_channel:palmonas_deliveries_stored:rate5m)",
        "palmonas-orders",
    ),
    "accept_p99": Graph(
        "Time to answer a webhook, 99th percentile",
        "s",
        "max by (job) (job:palmonas_accept_duration_seconds:p99_rate5m)",
        "palmonas-api",
    ),
    "stored_p99": Graph(
        "From accepted to stored, 99th percentile",
        "s",
        "max by (job) (job:palmonas_accept_to_stored_seconds:p99_rate5m)",
        "palmonas-orders",
    ),
    "accept_errors": Graph(
        "Webhooks answered 5xx",
        "ratio",
        "max by (role) (job_role:palmonas_accept_errors:ratio_rate5m)",
        "palmonas-api",
    ),
    "console_errors": Graph(
        "Other requests answered 5xx",
        "ratio",
        "max by (role) (job_role:flask_http_request_errors:ratio_rate5m)",
        "palmonas-api",
    ),
    "hub_lag": Graph(
        "Lateness of the event loop, 99th percentile",
        "s",
        "max by (instance) (job_instance:gevent_hub_lag_seconds:p99_rate5m)",
        "palmonas-api",
    ),
    "pools": Graph(
        "Fullest connection pool",
        "ratio",
        "max by (pool) (job_pool:db_client_connection_used:max_ratio)",
        "palmonas-pools",
    ),
    "queue_in": Graph(
        "Jobs that came in", "1/s", "sum by (queue) (job_queue:rq_jobs_arrived:rate5m)", "palmonas-queues"
    ),
    "queue_out": Graph(
        "Jobs that ended", "1/s", "sum by (queue) (job_queue:rq_jobs_finished:rate5m)", "palmonas-queues"
    ),
    "queue_age": Graph(
        "Oldest waiting job", "s", "max by (queue) (rq_queue_oldest_job_age_seconds)", "palmonas-queues"
    ),
    "burn": Graph("Budget burn of the last hour", "count", f"max by (slo) ({_BURN})", "palmonas-slo"),
    "pg_sessions": Graph(
        "PostgreSQL sessions of those allowed",
        "ratio",
        "max by (instance) (job_instance:pg_client_sessions:ratio)",
        "palmonas-postgresql",
    ),
    "redis_memory": Graph(
        "Redis memory of its maximum",
        "ratio",
        "max by (instance) (job_instance:redis_memory_used:ratio)",
        "palmonas-redis",
    ),
}
