"""Every metric of ours, declared once: name, help, labels, buckets, and which process has it.

A process calls `expose("api")` once; only what that process can move appears on its /metrics.
Rules, dashboards and documentation are held against `DECLARED` by tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Process = Literal["api", "worker", "dispatcher", "exporter", "load"]
Kind = Literal["counter", "gauge", "histogram"]

ALL: tuple[Process, ...] = ("api", "worker", "dispatcher", "exporter")  # the service; a load test is none of it
EVERY: tuple[Process, ...] = (*ALL, "load")
DB_CLIENTS: tuple[Process, ...] = ALL


@dataclass(frozen=True)
class Declared:
    """One metric. `instrument` is None for those a collector reads at scrape time."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    processes: tuple[Process, ...]
    buckets: tuple[float, ...] | None
    instrument: Any


DECLARED: dict[str, Declared] = {}


def _declare(declared: Declared) -> None:
    if declared.name in DECLARED:
        raise ValueError(f"metric {declared.name} is declared twice")
    DECLARED[declared.name] = declared


def _counter(name: str, help_text: str, labels: tuple[str, ...], processes: tuple[Process, ...]) -> Counter:
    instrument = Counter(name, help_text, labels, registry=None)
    _declare(Declared(name, "counter", help_text, labels, processes, None, instrument))
    return instrument


def _gauge(name: str, help_text: str, labels: tuple[str, ...], processes: tuple[Process, ...]) -> Gauge:
    instrument = Gauge(name, help_text, labels, registry=None)
    _declare(Declared(name, "gauge", help_text, labels, processes, None, instrument))
    return instrument


def _histogram(
    name: str,
    help_text: str,
    labels: tuple[str, ...],
    processes: tuple[Process, ...],
    buckets: tuple[float, ...],
) -> Histogram:
    instrument = Histogram(name, help_text, labels, registry=None, buckets=buckets)
    _declare(Declared(name, "histogram", help_text, labels, processes, buckets, instrument))
    return instrument


def _collected(
    kind: Kind, name: str, help_text: str, labels: tuple[str, ...], processes: tuple[Process, ...] = ("exporter",)
) -> str:
    """A metric that is read at scrape time: by the exporter from Redis or PostgreSQL, by a load test from itself."""
    _declare(Declared(name, kind, help_text, labels, processes, None, None))
    return name


def family(name: str) -> GaugeMetricFamily | CounterMetricFamily:
    """An empty metric family for a collected metric, to be filled by `add_metric`."""
    declared = DECLARED[name]
    made = CounterMetricFamily if declared.kind == "counter" else GaugeMetricFamily
    return made(name, declared.help, labels=declared.labels)


# Seconds. The accept target (0.25 s) and the drain target (5 s) are bucket bounds, so that SLO ratios are exact.
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
WAIT_BUCKETS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
STORED_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
JOB_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZE_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

BUILD_INFO = _gauge("palmonas_build_info", "1, with the version and the kind of process.", ("version", "process"), ALL)

ACCEPT_OUTCOMES = ("accepted", "duplicate", "rejected", "unavailable", "failed")
UNAVAILABLE_REASONS = ("unavailable", "store_unavailable", "pool_timeout", "overloaded")

# --- API -------------------------------------------------------------------------------------------------
ACCEPT_SECONDS = _histogram(
    "palmonas_accept_duration_seconds",
    "Time from the first byte of a webhook to its answer, by outcome: accepted, duplicate, rejected (4xx), unavailable "
    "(503), failed (500).",
    ("channel", "outcome"),
    ("api",),
    REQUEST_BUCKETS,
)
DELIVERIES_REJECTED = _counter(
    "palmonas_deliveries_rejected_total",
    "Webhook deliveries that were refused, by reason.",
    ("channel", "reason"),
    ("api",),
)
DELIVERIES_UNAVAILABLE = _counter(
    "palmonas_deliveries_unavailable_total",
    "Webhook deliveries that were answered 503, by reason (overloaded: more waits than this instance can hold).",
    ("channel", "reason"),
    ("api",),
)
ACCEPT_BATCH_SIZE = _histogram(
    "palmonas_accept_batch_size",
    "Deliveries written by one commit of the accept path.",
    (),
    ("api",),
    SIZE_BUCKETS,
)
ACCEPT_COMMIT_SECONDS = _histogram(
    "palmonas_accept_commit_duration_seconds",
    "Time of one INSERT and COMMIT of the accept path.",
    (),
    ("api",),
    WAIT_BUCKETS,
)
DOORBELL = _counter(
    "palmonas_doorbell_total",
    "Hints to the ingest queue, by outcome (rung, waiting: one was there already, failed, open: circuit open).",
    ("outcome",),
    ("api", "dispatcher", "worker"),
)
IN_FLIGHT = _gauge("palmonas_http_requests_in_flight", "Requests being served now.", (), ("api",))
IN_FLIGHT_MAX = _gauge("palmonas_http_requests_in_flight_max", "Connections the instance serves at once.", (), ("api",))
HUB_LAG_SECONDS = _histogram(
    "gevent_hub_lag_seconds", "How late a 100 ms timer of the event loop fired.", (), ("api",), WAIT_BUCKETS
)
LISTEN_BACKLOG = _gauge(
    "palmonas_listen_backlog_connections",
    "Connections the kernel holds that are not accepted yet.",
    (),
    ("api",),
)

# --- client pools (OpenTelemetry db.client.connection.*) ---------------------------------------------------
POOL_COUNT = _gauge(
    "db_client_connection_count",
    "Open connections of a pool, by state (idle, used).",
    ("pool", "state"),
    DB_CLIENTS,
)
POOL_MAX = _gauge("db_client_connection_max", "Connections a pool may open.", ("pool",), DB_CLIENTS)
POOL_PENDING = _gauge(
    "db_client_connection_pending_requests", "Callers waiting for a connection.", ("pool",), DB_CLIENTS
)
POOL_TIMEOUTS = _counter(
    "db_client_connection_timeouts_total", "Callers that got no connection in time.", ("pool",), DB_CLIENTS
)
POOL_CREATE_SECONDS = _histogram(
    "db_client_connection_create_time_seconds",
    "Time to open a connection.",
    ("pool",),
    DB_CLIENTS,
    WAIT_BUCKETS,
)
POOL_WAIT_SECONDS = _histogram(
    "db_client_connection_wait_time_seconds",
    "Time a caller waited for a connection.",
    ("pool",),
    DB_CLIENTS,
    WAIT_BUCKETS,
)
POOL_USE_SECONDS = _histogram(
    "db_client_connection_use_time_seconds",
    "Time a caller kept a connection, by what it was for.",
    ("pool", "route"),
    DB_CLIENTS,
    WAIT_BUCKETS,
)
POOL_CLOSED = _counter(
    "db_client_connection_closed_total",
    "Connections closed, by reason (broken, deadline, expired, shutdown).",
    ("pool", "reason"),
    DB_CLIENTS,
)

# --- worker ------------------------------------------------------------------------------------------------
DELIVERIES_STORED = _counter(
    "palmonas_deliveries_stored_total",
    "Deliveries that reached their end state, by result (created, updated, stale, attached, ignored, privacy).",
    ("channel", "result"),
    ("worker",),
)
DELIVERIES_QUARANTINED = _counter(
    "palmonas_deliveries_quarantined_total",
    "Deliveries set aside after their last try.",
    ("channel",),
    ("worker",),
)
DELIVERIES_RETRIED = _counter(
    "palmonas_deliveries_retried_total",
    "Tries of a delivery that failed and will be repeated.",
    ("channel",),
    ("worker",),
)
ACCEPT_TO_STORED_SECONDS = _histogram(
    "palmonas_accept_to_stored_seconds",
    "Time from the acceptance of a delivery to its commit as an order, by the clock of PostgreSQL.",
    ("channel",),
    ("worker",),
    STORED_BUCKETS,
)
DRAIN_BATCH_SIZE = _histogram(
    "palmonas_drain_batch_size", "Inbox rows claimed by one batch of a drain.", (), ("worker",), SIZE_BUCKETS
)
DRAIN_BATCH_SECONDS = _histogram(
    "palmonas_drain_batch_duration_seconds", "Time of one batch of a drain.", (), ("worker",), JOB_BUCKETS
)
STATUS_TRANSITIONS = _counter(
    "palmonas_order_status_transitions_total",
    "Changes of an order's status, by field (channel_status, status) and new value.",
    ("field", "to"),
    ("worker", "api"),
)
CHANNEL_CALLS = _counter(
    "palmonas_channel_calls_total",
    "Calls to a channel's API, by operation and outcome (ok, or why it failed).",
    ("channel", "operation", "outcome"),
    ("worker",),
)
CHANNEL_CALL_SECONDS = _histogram(
    "palmonas_channel_call_duration_seconds",
    "Time of a call to a channel's API.",
    ("channel", "operation"),
    ("worker",),
    JOB_BUCKETS,
)
CHANNEL_CIRCUIT_STATE = _gauge(
    "palmonas_channel_circuit_state",
    "The circuit breaker towards a channel: 0 closed, 1 half-open, 2 open.",
    ("channel",),
    ("worker",),
)
RECONCILED = _counter(
    "palmonas_reconciliation_caught_total",
    "Changes of orders that a poll brought and no webhook had, by result (created, updated).",
    ("channel", "result"),
    ("worker",),
)
PUSHES = _counter(
    "palmonas_pushes_total",
    "Tries to tell a channel of a change, by outcome (delivered, retried, failed: given up).",
    ("channel", "outcome"),
    ("worker",),
)
POLLS = _counter(
    "palmonas_polls_total",
    "Polls of a channel, by outcome (ok, failed, lease_lost, skipped: another poller had it, or none was due).",
    ("channel", "outcome"),
    ("worker",),
)
PRIVACY_REQUESTS = _counter(
    "palmonas_privacy_requests_total",
    "Requests about personal data, by kind and outcome (received, held for an operator, completed).",
    ("kind", "outcome"),
    ("worker",),
)
JOB_WAIT_SECONDS = _histogram(
    "rq_job_wait_seconds", "Time a job waited in its queue.", ("queue",), ("worker",), JOB_BUCKETS
)
JOB_RUN_SECONDS = _histogram("rq_job_run_seconds", "Time a job ran.", ("queue",), ("worker",), JOB_BUCKETS)

# --- dispatcher --------------------------------------------------------------------------------------------
DISPATCHER_SWEEPS = _counter(
    "palmonas_dispatcher_sweeps_total",
    "Sweeps over inbox and outbox, by outcome (ok, error).",
    ("outcome",),
    ("dispatcher",),
)
DISPATCHER_LAST_SWEEP = _gauge(
    "palmonas_dispatcher_last_sweep_timestamp_seconds",
    "Unix time of the last sweep that worked.",
    (),
    ("dispatcher",),
)
DISPATCHER_RECOVERED = _counter(
    "palmonas_dispatcher_recovered_total",
    "Times the dispatcher asked again for work that nobody was doing, by kind (inbox, outbox).",
    ("kind",),
    ("dispatcher",),
)

# --- exporter: read at scrape time -------------------------------------------------------------------------
RQ_WORKERS = _collected("gauge", "rq_workers", "Registered RQ workers, by queue and state.", ("queue", "state"))
RQ_JOBS = _collected("gauge", "rq_jobs", "Jobs, by queue and status.", ("queue", "status"))
RQ_OLDEST = _collected(
    "gauge",
    "rq_queue_oldest_job_age_seconds",
    "Age of the job that waits longest; 0 when none waits.",
    ("queue",),
)
RQ_HEARTBEAT_AGE = _collected(
    "gauge",
    "rq_worker_heartbeat_age_seconds",
    "Age of the stalest heartbeat of a queue's workers.",
    ("queue",),
)
RQ_PROCESSED = _collected(
    "counter",
    "rq_jobs_processed_total",
    "Jobs that ended, by outcome (succeeded, failed, retried).",
    ("queue", "outcome"),
)
RQ_HORSES_KILLED = _collected(
    "counter",
    "rq_work_horses_killed_total",
    "Processes of forking workers that died under their job; 0 where workers do not fork.",
    ("queue",),
)
INBOX_PENDING = _collected(
    "gauge", "palmonas_inbox_pending", "Accepted deliveries that are not stored yet (counted to 100,000).", ()
)
INBOX_OLDEST = _collected(
    "gauge",
    "palmonas_inbox_oldest_age_seconds",
    "Age of the oldest accepted delivery that is not stored yet.",
    (),
)
INBOX_QUARANTINED = _collected(
    "gauge", "palmonas_inbox_quarantined", "Deliveries in quarantine (counted to 100,000).", ()
)
OUTBOX_PENDING = _collected(
    "gauge",
    "palmonas_outbox_pending",
    "Messages to channels that are not delivered yet (counted to 100,000).",
    (),
)
OUTBOX_OLDEST = _collected(
    "gauge", "palmonas_outbox_oldest_age_seconds", "Age of the oldest message that is not delivered yet.", ()
)
OUTBOX_FAILED = _collected(
    "gauge", "palmonas_outbox_failed", "Messages to channels that were given up (counted to 100,000).", ()
)
PRIVACY_OPEN = _collected(
    "gauge", "palmonas_privacy_requests_open", "Requests about personal data that are not done.", ("kind",)
)
PRIVACY_OLDEST = _collected(
    "gauge",
    "palmonas_privacy_request_oldest_age_seconds",
    "Age of the oldest request about personal data that is not done; 0 when there is none. It is due after 30 days.",
    ("kind",),
)
POLL_CURSOR_AGE = _collected(
    "gauge", "palmonas_poll_cursor_age_seconds", "How far behind now the polling of a channel is.", ("channel",)
)
POLL_SUCCESS_AGE = _collected(
    "gauge",
    "palmonas_poll_last_success_age_seconds",
    "Time since the last poll of a channel that worked.",
    ("channel",),
)
COLLECTOR_UP = _collected(
    "gauge",
    "palmonas_collector_up",
    "1 if the collector could read its server in this scrape.",
    ("collector",),
)
COLLECTOR_SECONDS = _collected(
    "gauge", "palmonas_collector_duration_seconds", "Time the collector took in this scrape.", ("collector",)
)
PROCESS_RESTARTS = _collected(
    "counter",
    "palmonas_process_restarts_total",
    "Times the supervisor restarted a process that had died.",
    ("process",),
)

CONTAINER_STATES = ("running", "paused", "restarting", "stopped", "finished", "failed")
CONTAINER_STATE = _collected(
    "gauge",
    "palmonas_container_state",
    "1 for the state a container is in, else 0: running, paused, restarting, stopped (though it is meant to run); of "
    "one that runs once, finished or failed.",
    ("name", "service", "state"),
)
CONTAINER_HEALTH_STATES = ("starting", "healthy", "unhealthy")
CONTAINER_HEALTH = _collected(
    "gauge",
    "palmonas_container_health",
    "1 for what the health check of a running container says, else 0: starting, healthy, unhealthy.",
    ("name", "service", "health"),
)
CONTAINER_RESTARTS = _collected(
    "counter",
    "palmonas_container_restarts_total",
    "Times the engine started a container again that had ended by itself.",
    ("name", "service"),
)
CONTAINER_OOM_KILLS = _collected(
    "counter",
    "palmonas_container_oom_kills_total",
    "Times the kernel killed inside a container for memory, its children included, since the exporter started.",
    ("name", "service"),
)
CONTAINER_EXIT_CODE = _collected(
    "gauge",
    "palmonas_container_last_exit_code",
    "Exit code of a container's last end that the exporter knows of; above 128 it is 128 and the signal.",
    ("name", "service"),
)

# --- a load test: the client's side, while it runs --------------------------------------------------------------
LOAD_OUTCOMES = ("sent", "accepted", "duplicate", "failed", "forged", "refused")
LOAD_REQUEST_SECONDS = _histogram(
    "palmonas_load_request_duration_seconds",
    "Time of a request as the load test saw it, by kind of request and outcome (ok, failed).",
    ("request", "outcome"),
    ("load",),
    (*REQUEST_BUCKETS, 10.0, 15.0),  # it gives up after 15 s
)
LOAD_FAILURES = _counter(
    "palmonas_load_failures_total",
    "Requests of the load test that failed, by status, or `no answer`.",
    ("request", "status"),
    ("load",),
)
LOAD_USERS = _collected("gauge", "palmonas_load_users", "Users that the load test plays now.", ("kind",), ("load",))
LOAD_DELIVERIES = _collected(
    "counter",
    "palmonas_load_deliveries_total",
    "Deliveries of the load test: sent; of them accepted (of those duplicate: known before) or failed; forged; of them "
    "refused.",
    ("outcome",),
    ("load",),
)


@dataclass(frozen=True)
class Foreign:
    """A metric family of a library that our processes expose, named here so that the contract knows it."""

    name: str
    labels: tuple[str, ...]
    processes: tuple[Process, ...]


FOREIGN: tuple[Foreign, ...] = (
    Foreign("flask_http_request_duration_seconds", ("method", "url_rule", "status"), ("api",)),
    Foreign("flask_http_request_total", ("method", "status"), ("api",)),
    Foreign("flask_http_request_exceptions_total", ("method", "status"), ("api",)),
    Foreign("flask_exporter_info", ("version",), ("api",)),
    Foreign("process_start_time_seconds", (), EVERY),
    Foreign("process_cpu_seconds_total", (), EVERY),
    Foreign("process_resident_memory_bytes", (), EVERY),
    Foreign("process_virtual_memory_bytes", (), EVERY),
    Foreign("process_open_fds", (), EVERY),
    Foreign("process_max_fds", (), EVERY),
)


def expose(process: Process, version: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Register what `process` has; a second call in the same process and registry raises ValueError."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # `_created` series are a third of all series, and nothing of ours reads them
    for declared in DECLARED.values():
        if declared.instrument is not None and process in declared.processes:
            registry.register(declared.instrument)
    BUILD_INFO.labels(version, process).set(1)


def seed_counters(channels: Sequence[str], reasons: Sequence[str], results: Sequence[str]) -> None:
    """Start every known series at zero: a counter whose first sample is 1 has no increase to alert on."""
    for channel in channels:
        for reason in reasons:
            DELIVERIES_REJECTED.labels(channel, reason)
        for outcome in ACCEPT_OUTCOMES:
            ACCEPT_SECONDS.labels(channel, outcome)
        for reason in UNAVAILABLE_REASONS:
            DELIVERIES_UNAVAILABLE.labels(channel, reason)
        for result in results:
            DELIVERIES_STORED.labels(channel, result)
        DELIVERIES_QUARANTINED.labels(channel)
        DELIVERIES_RETRIED.labels(channel)
        ACCEPT_TO_STORED_SECONDS.labels(channel)
        if results:
            for result in ("created", "updated"):
                RECONCILED.labels(channel, result)
            for outcome in ("delivered", "retried", "failed"):
                PUSHES.labels(channel, outcome)
            for outcome in ("ok", "failed", "lease_lost", "skipped"):
                POLLS.labels(channel, outcome)
    for outcome in ("rung", "waiting", "failed", "open"):
        DOORBELL.labels(outcome)
    for outcome in ("ok", "error"):
        DISPATCHER_SWEEPS.labels(outcome)
    for kind in ("inbox", "outbox"):
        DISPATCHER_RECOVERED.labels(kind)
