"""The processes `palmonas worker`, `palmonas dispatcher` and `palmonas exporter`."""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType

from prometheus_client import REGISTRY

from app import __version__, telemetry
from app.channels.clients import make_clients
from app.checks import base_checks, check_age, open_reserved_pool, seconds_since, start_schema_watch
from app.config import ALL_CHANNELS, QUEUES, Config
from app.errors import ConfigError
from app.health import HealthReport, Readiness
from app.log import configure
from app.operations import serve_operations
from app.orders import privacy
from app.orders.fold import RESULTS
from app.queue import connect
from app.store.pool import Pool
from worker.collector import QueueCollector
from worker.container_collector import ContainerReader
from worker.context import Context, open_context, use
from worker.dispatcher import Dispatcher
from worker.rq_worker import PalmonasWorker, wait_for_redis

log = logging.getLogger(__name__)

HANG_S = 90.0  # a job is ended after 60 s; a main loop that is silent for longer hangs
SWEEP_LIMIT_S = 15.0
# The exporter reads by indexes, in milliseconds. A server that is frozen must not hold up the scrape: it would tell of
# neither server, and that a collector fails is what tells a frozen server from a dead exporter.
READ_TIMEOUT_S = 1.0
REDIS_DEADLINE_S = 60.0  # then the process ends and the supervisor starts it again
STORE_RESULTS = (*sorted(set(RESULTS.values())), "attached", "ignored", privacy.RESULT)


def _prepare(process: telemetry.Process, config: Config) -> None:
    configure(process, config.instance_name, config.log_level)
    config.check("DATABASE_URL", "REDIS_URL", "METRICS_HOST", "METRICS_PORT")
    telemetry.expose(process, __version__)
    telemetry.seed_counters(ALL_CHANNELS, (), STORE_RESULTS)
    privacy.seed_requests()


def run_worker(config: Config, queue_name: str) -> int:
    """Work on one queue until SIGTERM; returns the exit code."""
    if queue_name not in QUEUES:
        raise ConfigError(f"there is no queue {queue_name!r}; choose one of: {', '.join(QUEUES)}")
    _prepare("worker", config)
    context = open_context(config)
    reserved, readiness, started = open_reserved_pool(config), Readiness(), time.monotonic()
    client = connect(
        config.redis_place,
        name="redis-rq",
        size=8,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
    )
    worker: PalmonasWorker | None = None

    def heartbeat_age() -> float:
        return seconds_since(worker.last_heartbeat if worker else None, started)

    health = HealthReport({**base_checks(config, reserved), "heartbeat": check_age("heartbeat", heartbeat_age, HANG_S)})
    serve_operations(
        config.metrics_host,
        config.metrics_port,
        health=health,
        readiness=readiness,
        alive=lambda: f"main loop silent for {heartbeat_age():.0f} s" if heartbeat_age() > HANG_S else None,
    )
    start_schema_watch(reserved, readiness)
    wait_for_redis(client, REDIS_DEADLINE_S)
    worker = PalmonasWorker(queue_name, client)
    context.beat = worker.beat
    context.stopping = lambda: worker.stop_requested
    use(context)
    log.info("worker_started", extra={"queue": queue_name})
    worker.work(logging_level=None)
    log.info("worker_stopped", extra={"queue": queue_name})
    context.pool.close()
    return 0 if worker.stop_requested else 1


def _stop_event() -> threading.Event:
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


def run_dispatcher(config: Config) -> int:
    """Sweep until SIGTERM; returns the exit code."""
    _prepare("dispatcher", config)
    stop, started = _stop_event(), time.time()
    context: Context = open_context(config)
    reserved, readiness = open_reserved_pool(config), Readiness()

    def sweep_age() -> float:
        last = telemetry.DISPATCHER_LAST_SWEEP._value.get()
        return time.time() - (last or started)

    health = HealthReport({**base_checks(config, reserved), "sweep": check_age("sweep", sweep_age, SWEEP_LIMIT_S)})
    serve_operations(config.metrics_host, config.metrics_port, health=health, readiness=readiness)
    start_schema_watch(reserved, readiness)
    log.info("dispatcher_started")
    Dispatcher(context, stop.wait).run()
    log.info("dispatcher_stopped")
    return 0


def run_exporter(config: Config) -> int:
    """Answer scrapes until SIGTERM; returns the exit code."""
    _prepare("exporter", config)
    containers = ContainerReader(config.docker_socket) if config.docker_socket else None
    stop = _stop_event()
    reserved, readiness = open_reserved_pool(config), Readiness()
    pool = Pool(
        config.database_url,
        name="worker",
        size=2,
        timeout_s=READ_TIMEOUT_S,
        connect_timeout_s=READ_TIMEOUT_S,
        statement_timeout_s=READ_TIMEOUT_S,
    )
    client = connect(
        config.redis_place, name="redis", size=2, timeout_s=READ_TIMEOUT_S, connect_timeout_s=READ_TIMEOUT_S
    )
    polled = tuple(name for name, outbound in make_clients(config).items() if outbound.lists)
    if containers:
        containers.start(stop.wait)
    collect = containers.collect if containers else None
    REGISTRY.register(QueueCollector(client, pool, QUEUES, config.restarts_file, polled, collect_containers=collect))
    serve_operations(
        config.metrics_host,
        config.metrics_port,
        health=HealthReport(base_checks(config, reserved)),
        readiness=readiness,
    )
    start_schema_watch(reserved, readiness)
    log.info("exporter_started")
    stop.wait()
    return 0
