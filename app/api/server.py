"""One API process: its connections, its greenlets, its Flask application. gunicorn calls `create`."""

from __future__ import annotations

import logging
from functools import partial

from flask import Flask

from app import __version__, telemetry
from app.api.application import create_app
from app.api.health import check_queues
from app.api.services import Services
from app.api.sessions import open_sessions
from app.api.window import RequestWindow
from app.channels import check_secrets
from app.channels.clients import list_pushes
from app.checks import base_checks, open_reserved_pool, start_schema_watch
from app.config import Config
from app.health import HealthReport, Readiness
from app.operations import serve_operations
from app.orders.accept import Batcher
from app.queue import WorkQueue
from app.store.inbox import insert_deliveries
from app.store.pool import Pool
from app.store.replica import Reads

log = logging.getLogger(__name__)

READINESS = Readiness()
ACCEPT_CONNECTIONS = 2  # the committer's one, and one to replace it at once when a commit hangs


def open_pool(config: Config, name: str, size: int, url: str = "") -> Pool:
    return Pool(
        url or config.database_url,
        name=name,
        size=size,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
        statement_timeout_s=config.statement_timeout_s,
    )


def open_reads(config: Config, primary: Pool) -> Reads | None:
    """None where no replica is set; that it is away now is no reason not to start."""
    if not config.database_replica_url or "console" not in config.roles:
        return None
    reads = Reads(
        primary, open_pool(config, "replica", config.pool_max, config.database_replica_url), config.replica_lag_s
    )
    reads.watch()
    return reads


def open_batcher(config: Config, queue: WorkQueue) -> Batcher:
    insert = partial(insert_deliveries, open_pool(config, "accept", ACCEPT_CONNECTIONS))
    return Batcher(insert, queue.ring, config.accept_timeout_s)


def create() -> Flask:
    """The WSGI application. Raises ConfigError when a setting is missing or wrong."""
    config = Config().check()
    check_secrets(config.channel_secrets)
    telemetry.expose("api", __version__)
    telemetry.IN_FLIGHT_MAX.set(config.connections_max)
    reserved = open_reserved_pool(config)
    queue = WorkQueue(
        config.redis_place, timeout_s=config.doorbell_timeout_s, connect_timeout_s=config.doorbell_timeout_s
    )
    window = RequestWindow()
    checks = {**base_checks(config, reserved), "api": window.read, "queues": check_queues(queue.redis)}
    pool = open_pool(config, "console", config.pool_max)
    services = Services(
        config=config,
        pool=pool,
        queue=queue,
        accept=open_batcher(config, queue) if "accept" in config.roles else None,
        health=HealthReport(checks),
        readiness=READINESS,
        pushed=list_pushes(config),
        sessions=open_sessions(config) if "console" in config.roles else None,
        reads=open_reads(config, pool),
    )
    app = create_app(services)
    app.wsgi_app = window.wrap(app.wsgi_app)  # type: ignore[method-assign]  # Flask's place for WSGI middleware
    serve_operations(config.metrics_host, config.metrics_port, health=services.health, readiness=services.readiness)
    start_schema_watch(reserved, READINESS)
    log.info("api_started", extra={"roles": list(config.roles), "port": config.port})
    return app
