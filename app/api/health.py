"""/livez, /readyz and /health on the API's own port: for the load balancer and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response

from app.api.policy import add_route
from app.config import QUEUES
from app.health import Check, CheckFailed, HealthReport, Readiness
from app.operations import answer_health, answer_livez, answer_readyz
from app.queue_stats import read_queues, read_workers

STALE_HEARTBEAT_S = 60.0


def check_queues(client: Any) -> Check:
    """Depth and oldest age of each queue, workers and their stalest heartbeat."""

    def check() -> Mapping[str, Any]:
        queues = {
            one.name: {
                "queued": one.jobs["queued"],
                "failed": one.jobs["failed"],
                "oldest_age_seconds": one.oldest_age_s,
            }
            for one in read_queues(client, QUEUES)
        }
        for found in read_workers(client, QUEUES):
            queues[found.queue] |= {
                "workers": found.count,
                "heartbeat_age_seconds": round(found.heartbeat_age_s, 1),
            }
            if not found.count:
                raise CheckFailed(f"queue {found.queue} has no worker")
            if found.heartbeat_age_s > STALE_HEARTBEAT_S:
                raise CheckFailed(f"a worker of queue {found.queue} has been silent for {found.heartbeat_age_s:.0f} s")
        return queues

    return check


def _answer(answer: tuple[str, dict[str, Any]]) -> Response:
    status, body = answer
    return Response(orjson.dumps(body), int(status[:3]), content_type="application/json")


def register(app: Flask, report: HealthReport, readiness: Readiness) -> None:
    """Add the three routes. They are public: they name parts and times, never addresses or data."""

    def livez() -> Response:
        return _answer(answer_livez(lambda: None))

    def readyz() -> Response:
        return _answer(answer_readyz(readiness))

    def read_health() -> Response:
        return _answer(answer_health(report))

    pages = (
        ("/livez", livez, "Whether this process runs; asks no other."),
        ("/readyz", readyz, "Whether this instance should get requests."),
        ("/health", read_health, "Every part with its time, within a second; 503 when one is degraded."),
    )
    for rule, view, summary in pages:
        answers = {200: None} if view is livez else {200: None, 503: None}
        add_route(app, rule, view, policy="public", summary=summary, tag="health", answers=answers, tracked=False)
