"""What a load test sees, for Prometheus: the client's side of the story, while it happens.

Opt-in (--metrics-port). Served by the process that makes the load, because only it knows what it sent; the metrics are
declared in app/telemetry.py like all others. A local stack's Prometheus is told of it, and told when it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from wsgiref.simple_server import WSGIServer

from locust.env import Environment
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app import __version__, telemetry
from app.errors import UsageError
from load.journal import Journal
from stack.layout import Layout, find_state, load_layout
from stack.monitoring import write_job

ADDRESS = "127.0.0.1"
JOB = "load"
INSTANCE = "locust"
STOP_S = 5.0  # for the server's thread to end


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint, and the stack whose Prometheus was told of it."""

    server: WSGIServer
    thread: threading.Thread
    stack: Layout | None

    @property
    def port(self) -> int:
        return self.server.server_port

    def stop(self) -> None:
        """End the endpoint; Prometheus forgets it within a scrape."""
        if self.stack is not None:
            with suppress(OSError):  # the stack is gone, and its state with it
                write_job(self.stack, JOB, [])
        self.server.shutdown()
        self.thread.join(STOP_S)
        self.server.server_close()


class Run(Collector):
    """Users and deliveries, read from Locust and the journal when somebody asks."""

    def __init__(self, environment: Environment, journal: Journal) -> None:
        self._environment, self._journal = environment, journal

    def collect(self) -> Iterator[Metric]:
        users = telemetry.family(telemetry.LOAD_USERS)
        runner = self._environment.runner
        for kind, number in (runner.user_classes_count if runner else {}).items():
            users.add_metric([kind], number)
        yield users
        deliveries = telemetry.family(telemetry.LOAD_DELIVERIES)
        for outcome in telemetry.LOAD_OUTCOMES:
            deliveries.add_metric([outcome], self._journal.counts[outcome])
        yield deliveries

    def describe(self) -> Iterable[Metric]:
        return ()


def start_metrics(environment: Environment, journal: Journal, port: int) -> Endpoint:
    """Serve /metrics on `port` of the loopback (0: any free one). Raises UsageError when it is taken."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    telemetry.expose("load", __version__, registry)
    registry.register(Run(environment, journal))
    environment.events.request.add_listener(_count_request)  # type: ignore[no-untyped-call]  # Locust does not type its events
    try:
        server, thread = start_http_server(port, ADDRESS, registry)
    except OSError as error:
        raise UsageError(f"cannot serve metrics on port {port}: {error.strerror}; choose another, or 0") from error
    return Endpoint(server, thread, _announce(server.server_port))


def _count_request(name: str, response_time: float, response: Any, exception: BaseException | None, **_: Any) -> None:
    """Locust's times are milliseconds."""
    outcome = "ok" if exception is None else "failed"
    telemetry.LOAD_REQUEST_SECONDS.labels(name, outcome).observe(response_time / 1000)
    if exception is not None:
        status = getattr(response, "status_code", 0)
        telemetry.LOAD_FAILURES.labels(name, str(status) if status else "no answer").inc()


def _announce(port: int) -> Layout | None:
    """Tell the local stack's Prometheus, if one runs from here; return the stack."""
    stack = load_layout(find_state())
    if stack is None:
        return None
    try:
        write_job(stack, JOB, [{"targets": [f"{ADDRESS}:{port}"], "labels": {"instance": INSTANCE}}])
    except OSError:
        return None  # a stack without Prometheus, or somebody else's
    return stack
