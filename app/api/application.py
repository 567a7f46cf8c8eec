"""The Flask application of one API process: a list of what is wired, in the order in which it matters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import redis
from flask import Flask
from prometheus_client import REGISTRY, CollectorRegistry

from app.api import (
    audit_log,
    channels,
    console_pages,
    dashboards,
    docs_page,
    exports,
    health,
    logins,
    openapi,
    orders,
    overview,
    quarantine,
    rq_page,
    status_changes,
    webhooks,
)
from app.api.auth import enforce_policy
from app.api.bodies import bound_bodies
from app.api.errors import register_error_handlers
from app.api.policy import RowId, check_policies, current_operation, declare_routes, operations
from app.api.requests import begin_request, end_request, finish_request, measure_requests
from app.api.services import Services, attach_services
from app.config import ROLES
from app.orders.status import seed_transitions

log = logging.getLogger(__name__)


class Application(Flask):
    """Flask that logs like the rest of us. `redis_conn` is where rq-dashboard looks for its connection."""

    redis_conn: redis.Redis

    def ensure_sync(self, func: Any) -> Any:
        # No view of ours is a coroutine; Flask would look at every hook and view of every request to find out.
        return func

    def log_exception(self, exc_info: Any) -> None:
        operation = current_operation()
        log.error("request_failed", exc_info=exc_info, extra={"rule": operation.rule if operation else None})


def create_app(made: Services, registry: CollectorRegistry = REGISTRY) -> Flask:
    """The application with the roles of `made.config`. A `registry` takes the metrics of one application."""
    roles: Sequence[str] = made.config.roles
    app = Application(__package__, static_folder="static" if "console" in roles else None)
    app.url_map.converters["rowid"] = RowId
    attach_services(app, made)

    # in this order: what a later step raises must have an id, and be measured
    app.before_request(begin_request)
    measure_requests(app, registry)
    app.before_request(bound_bodies(made.config.body_timeout_s))
    app.before_request(enforce_policy)
    app.after_request(finish_request)
    app.teardown_request(end_request)
    register_error_handlers(app)

    register_routes(app, made, roles)
    if "console" in roles:
        declare_routes(app, "static", "public")
        rq_page.mount(app, made.queue.redis)
        openapi.publish(app, operations(_describe_all(made)))
        seed_transitions()
    check_policies(app)
    return app


def register_routes(app: Flask, made: Services, roles: Sequence[str]) -> None:
    """Our own routes of `roles`."""
    if "accept" in roles:
        webhooks.register(app, made)
    if "console" in roles:
        console_pages.register(app)
        logins.register(app, made)
        orders.register(app)
        status_changes.register(app)
        exports.register(app)
        audit_log.register(app)
        channels.register(app, made)
        quarantine.register(app)
        openapi.register(app)
        docs_page.register(app)
        dashboards.register(app, made.config)
        overview.register(app, made)
    health.register(app, made.health, made.readiness)


def describe_api(made: Services) -> dict[str, Any]:
    """OpenAPI of all roles' routes."""
    return openapi.build_description(operations(_describe_all(made)))


def _describe_all(made: Services) -> Flask:
    """An application that serves nothing: the description names the routes of both roles."""
    app = Flask(__package__, static_folder=None)
    app.url_map.converters["rowid"] = RowId
    register_routes(app, made, ROLES)
    return app
