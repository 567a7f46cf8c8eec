"""The operators' port of every process: /metrics, /livez, /readyz, /health. Never behind the front door."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

from app.errors import ConfigError
from app.health import HealthReport, Readiness

log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16


class _QuietHandler(WSGIRequestHandler):
    timeout = 10  # seconds a client may take over its request

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes every few seconds are not events."""


def _answer(start: StartResponse, status: str, body: Any) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [orjson.dumps(body)]


def answer_livez(alive: Callable[[], str | None]) -> tuple[str, dict[str, Any]]:
    problem = alive()
    return ("503 Service Unavailable", {"status": problem}) if problem else ("200 OK", {"status": "ok"})


def answer_readyz(readiness: Readiness) -> tuple[str, dict[str, Any]]:
    problem = readiness.problem
    return ("503 Service Unavailable", {"status": problem}) if problem else ("200 OK", {"status": "ok"})


def answer_health(health: HealthReport) -> tuple[str, dict[str, Any]]:
    report = health.read()
    return ("200 OK" if report["status"] == "ok" else "503 Service Unavailable"), report


def serve_operations(
    host: str,
    port: int,
    *,
    health: HealthReport,
    readiness: Readiness,
    alive: Callable[[], str | None] = lambda: None,
    registry: CollectorRegistry = REGISTRY,
) -> int:
    """Serve in a thread (a greenlet under gevent); return the port. Raises ConfigError when the port is taken.

    `alive` returns a sentence when the process hangs, None otherwise.
    """
    metrics = make_wsgi_app(registry)
    pages: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
        "/livez": lambda: answer_livez(alive),
        "/readyz": lambda: answer_readyz(readiness),
        "/health": lambda: answer_health(health),
    }

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start)  # type: ignore[no-any-return]  # prometheus_client's WSGI app is untyped
        if path in pages:
            return _answer(start, *pages[path]())
        return _answer(start, "404 Not Found", {"pages": ["/metrics", *pages]})

    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise ConfigError(
            f"port {port} on {host} for /metrics cannot be used ({error.strerror}); set PALMONAS_METRICS_PORT"
        ) from error
    threading.Thread(target=server.serve_forever, name="operations", daemon=True).start()
    bound: int = server.server_address[1]
    log.info("operations_ready", extra={"port": bound})
    return bound
