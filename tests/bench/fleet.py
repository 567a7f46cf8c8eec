"""The series of a large installation: 20 API instances, 50 workers, four channels, and the exporters beside them.

Ours are made from the declarations in app/telemetry.py, with the label values that the service really has; those of
the exporters from the recorded scrapes. Every instance is a container, too, on one of four hosts, with each limit that
a container can have. Nothing is wrong in it: only Watchdog has a reason to fire.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app import telemetry
from app.config import CHANNEL_NAMES, QUEUES
from rules.scrapes import FOLDER, read_scrape

ACCEPT, CONSOLE, WORKERS, HOSTS = 16, 4, 50, 4
STATUSES = ("new", "processing", "on_hold", "packed", "shipped", "delivered", "cancelled", "returned")
POOLS = {
    "api": ("accept", "console", "health", "redis", "redis-health"),
    "worker": ("worker", "health", "redis", "redis-health", "redis-rq"),
    "dispatcher": ("worker", "health", "redis", "redis-health"),
    "exporter": ("worker", "health", "redis", "redis-health"),
}
# What a pool's connections are taken for; those of Redis for commands, the small ones for health checks.
ROUTES = {
    "worker": ("drain", "push", "sweep_inbox", "count_old"),
    "console": ("list_orders", "read_order", "find_token"),
}
LABELS: Mapping[str, tuple[str, ...]] = {
    "channel": CHANNEL_NAMES,
    "queue": QUEUES,
    "state": ("idle", "used"),
    "reason": ("bad_signature", "malformed", "not_found", "request_timeout", "too_large", "unsupported_media_type"),
    "result": ("created", "updated", "stale", "attached", "ignored", "privacy"),
    "field": ("status", "channel_status"),
    "to": STATUSES,
    "operation": ("list_items", "list_orders", "push", "read_order", "token"),
    "kind": ("data_request", "redact_customer", "redact_shop"),
    "collector": ("backlog", "queues", "restarts"),
    "version": ("0.1.0",),
}
OF_METRIC: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("palmonas_accept_duration_seconds", "outcome"): telemetry.ACCEPT_OUTCOMES,
    ("palmonas_deliveries_unavailable_total", "reason"): telemetry.UNAVAILABLE_REASONS,
    ("palmonas_doorbell_total", "outcome"): ("rung", "waiting", "failed", "open"),
    ("db_client_connection_closed_total", "reason"): ("broken", "deadline", "expired", "shutdown"),
    ("palmonas_channel_calls_total", "outcome"): ("ok", "timeout", "connection", "server_error", "rate_limited"),
    ("palmonas_reconciliation_caught_total", "result"): ("created", "updated"),
    ("palmonas_pushes_total", "outcome"): ("delivered", "retried", "failed"),
    ("palmonas_polls_total", "outcome"): ("ok", "failed", "lease_lost", "skipped"),
    ("palmonas_privacy_requests_total", "outcome"): ("received", "held", "completed"),
    ("palmonas_dispatcher_sweeps_total", "outcome"): ("ok", "error"),
    ("palmonas_dispatcher_recovered_total", "kind"): ("inbox", "outbox"),
    ("rq_workers", "state"): ("busy", "idle", "started", "suspended"),
    ("rq_jobs", "status"): ("deferred", "failed", "finished", "queued", "scheduled", "started"),
    ("rq_jobs_processed_total", "outcome"): ("succeeded", "failed", "retried"),
}
# Labels of what goes wrong: such counters stand still.
WRONG = re.compile(
    r'"(?:failed|error|unavailable|overloaded|store_unavailable|pool_timeout|5\d\d|retried|broken|deadline|lease_lost'
    r'|bad_signature|malformed|not_found|too_large|request_timeout|unsupported_media_type|rejected|timeout)"'
    r"|timeouts_total|quarantined|caught|recovered|killed|restarts"
)
GAUGES = {
    "db_client_connection_max": 10.0,
    "palmonas_http_requests_in_flight_max": 1000.0,
    "palmonas_channel_circuit_state": 0.0,
    "process_max_fds": 1024.0,
    "process_resident_memory_bytes": 8e7,
}
CONTAINER_VALUES = {"container_spec_memory_limit_bytes": 512e6}


@dataclass(frozen=True)
class Series:
    """One series of one target. Its value is `base`, and `slope` more each second; `base` None is the time itself."""

    name: str
    labels: str
    base: float | None
    slope: float = 0.0

    def read(self, now: float, origin: float) -> float:
        return now if self.base is None else self.base + self.slope * (now - origin)


@dataclass(frozen=True)
class Target:
    part: str  # a part of prometheus/settings.yml
    labels: tuple[tuple[str, str], ...]
    series: tuple[Series, ...]

    @property
    def instance(self) -> str:
        return dict(self.labels)["instance"]

    def show(self, now: float, origin: float) -> str:
        """Its page at `now`."""
        return "".join(f"{one.name}{{{one.labels}}} {one.read(now, origin)}\n" for one in self.series)


def _write(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels)


def _count(name: str, labels: str, buckets: tuple[float, ...] | None) -> Iterator[Series]:
    """A counter, or a histogram whose observations are spread over the lower half of its buckets."""
    slope = 0.0 if WRONG.search(labels) or WRONG.search(name) else 0.05
    if buckets is None:
        yield Series(name, labels, 0.0, slope)
        return
    for number, bound in enumerate((*map(str, buckets), "+Inf"), 1):
        share = min(1.0, 2 * number / len(buckets))
        yield Series(f"{name}_bucket", _join(labels, f'le="{bound}"'), 0.0, slope * share)
    yield Series(f"{name}_count", labels, 0.0, slope)
    yield Series(f"{name}_sum", labels, 0.0, slope * buckets[0])


def _join(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def _make_ours(process: telemetry.Process, pools: tuple[str, ...], queues: tuple[str, ...]) -> Iterator[Series]:
    """Every metric that this kind of process declares, under every combination of its labels' values."""
    own = {**LABELS, "process": (process,), "queue": queues}
    for one in telemetry.DECLARED.values():
        if process not in one.processes or "name" in one.labels:
            continue
        names = [label for label in one.labels if label not in ("pool", "route")]
        values = [OF_METRIC.get((one.name, label)) or own[label] for label in names]
        for pool in pools if "pool" in one.labels else ("",):
            routes = ROUTES.get(pool, ("command",)) if "route" in one.labels else ("",)
            for route, *rest in itertools.product(routes, *values):
                named = [("pool", pool), ("route", route), *zip(names, rest, strict=True)]
                labels = _write((name, value) for name, value in named if value)
                if one.kind == "gauge":
                    moment = one.name.endswith("timestamp_seconds")
                    level = 0.0 if 'state="used"' in labels else GAUGES.get(one.name, 1.0)
                    yield Series(one.name, labels, None if moment else level)
                else:
                    yield from _count(one.name, labels, one.buckets)
    yield Series("process_start_time_seconds", "", 1.6e9)
    yield Series("process_cpu_seconds_total", "", 0.0, 0.1)
    for name in ("process_open_fds", "process_max_fds", "process_resident_memory_bytes"):
        yield Series(name, "", GAUGES.get(name, 30.0))


def _make_watched(containers: Iterable[tuple[str, str]]) -> Iterator[Series]:
    """What the exporter tells of each container (service, name): it runs and is healthy."""
    values = {"state": telemetry.CONTAINER_STATES, "health": telemetry.CONTAINER_HEALTH_STATES}
    for (service, name), one in itertools.product(containers, telemetry.DECLARED.values()):
        if "name" in one.labels:
            (own,) = set(one.labels) & set(values) or {""}
            for value in values.get(own, ("",)):
                labels = _write((("name", name), ("service", service), *(((own, value),) if own else ())))
                yield Series(one.name, labels, float(value in ("running", "healthy")))


def _make_cadvisor(containers: Iterable[tuple[str, str]]) -> Iterator[Series]:
    """The recorded scrape's series of a container, for each one (service, name)."""
    project = "container_label_com_docker_compose_project"
    pattern = re.compile(r'(?P<name>\w+)\{(?P<labels>.*name="shop-(?:store|web)-1".*)\} (?P<value>\S+)(?: \d+)?')
    (path,) = FOLDER.glob("cadvisor-*.prom")
    found = {one["name"]: one for one in map(pattern.fullmatch, path.read_text(encoding="utf-8").splitlines()) if one}
    for service, name in containers:
        for metric, one in found.items():
            cpu = (("cpu", "total"),) if 'cpu="total"' in one["labels"] else ()
            compose = ((project, "palmonas"), (project.replace("_project", "_service"), service))
            labels = _write((*compose, *cpu, ("id", f"/docker/{name}"), ("image", "palmonas:1"), ("name", name)))
            slope = 10.0 if metric.endswith("_periods_total") and "throttled" not in metric else 0.0
            yield Series(metric, labels, CONTAINER_VALUES.get(metric, float(one["value"])), slope)


def _make_flask(rules: Iterable[str], methods: tuple[str, ...], statuses: tuple[str, ...]) -> Iterator[Series]:
    for rule, method, status in itertools.product(rules, methods, statuses):
        labels = _write((("method", method), ("url_rule", rule), ("status", status)))
        yield from _count("flask_http_request_duration_seconds", labels, telemetry.REQUEST_BUCKETS)


def _make_exporter(name: str) -> Iterator[Series]:
    """A recorded scrape; HAProxy's with as many servers as there are instances."""
    (path,) = sorted(FOLDER.glob(f"{name}-*.prom"))[:1]
    kinds = {one.name: one.kind for one in read_scrape(path)}
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)", line)
        if line.startswith("#") or found is None:
            continue
        slope = 0.1 if kinds.get(found["name"]) == "counter" and float(found["value"]) > 0 else 0.0
        labels = found["labels"] or ""
        server = re.search(r'server="(api-(?:accept|console))-1"', labels)
        if name == "haproxy" and 'server="' in labels and server is None:
            continue
        copies = range(1, (ACCEPT if "accept" in labels else CONSOLE) + 1) if server else (1,)
        for number in copies:
            own = labels.replace(server[0], f'server="{server[1]}-{number}"') if server else labels
            yield Series(found["name"], own, float(found["value"]), slope)


def make_fleet() -> list[Target]:
    """Every target of the installation."""
    targets = []

    def add(part: str, instance: str, series: Iterable[Series], **labels: str) -> None:
        targets.append(Target(part, (("instance", instance), *labels.items()), tuple(series)))

    webhooks = [f"/webhooks/{channel}" for channel in CHANNEL_NAMES]
    console = ("/orders", "/orders/<id>", "/orders/<id>/status", "/channels", "/quarantine", "/healthz", "/readyz")
    for number in range(1, ACCEPT + 1):
        flask = _make_flask(webhooks, ("POST",), ("200", "401", "503"))
        ours = _make_ours("api", POOLS["api"], QUEUES)
        add("api", f"api-accept-{number}", (*ours, *flask), role="accept")
    for number in range(1, CONSOLE + 1):
        flask = _make_flask(console, ("GET", "PATCH"), ("200", "404", "409"))
        ours = (one for one in _make_ours("api", POOLS["api"][1:], QUEUES) if "accept" not in one.name)
        add("api", f"api-console-{number}", (*ours, *flask), role="console")
    for number in range(1, WORKERS + 1):
        queue = QUEUES[number % len(QUEUES)]
        add("worker", f"worker-{queue}-{number}", _make_ours("worker", POOLS["worker"], (queue,)))
    add("dispatcher", "dispatcher", _make_ours("dispatcher", POOLS["dispatcher"], QUEUES))
    for part, exporter, number in (
        ("postgresql", "postgres_exporter", 1),
        ("redis", "redis_exporter", 1),
        ("haproxy", "haproxy", 1),
        ("blackbox", "blackbox_exporter", 1),
        ("prometheus", "prometheus", 1),
        ("alertmanager", "alertmanager", 1),
        ("node", "node_exporter", HOSTS),
        ("process", "process_exporter", HOSTS),
    ):
        for host in range(1, number + 1):
            add(part, f"{part}-{host}", _make_exporter(exporter))
    containers = [(re.sub(r"-\d+$", "", name), name) for name in ("exporter", *(one.instance for one in targets))]
    ours = _make_ours("exporter", POOLS["exporter"], QUEUES)
    add("exporter", "exporter", (*ours, *_make_watched(containers)))
    for host in range(HOSTS):
        add("cadvisor", f"cadvisor-{host + 1}", _make_cadvisor(containers[host::HOSTS]))
    return targets
