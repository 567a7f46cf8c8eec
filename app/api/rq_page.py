"""rq-dashboard under /rq, for admins.

It brings no authentication, reads jobs by pickle, opens a connection without deadlines for each request, and
requeues on GET. Here it has our policy, JSON, our connection, and POST.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import redis
import rq.serializers
from flask import Response, current_app, g, request
from rq.exceptions import NoSuchJobError
from rq_dashboard import web
from werkzeug.exceptions import MethodNotAllowed

from app.api.audit import record
from app.api.auth import SAFE_METHODS, current_caller
from app.api.errors import answer_error
from app.api.policy import declare_routes
from app.errors import NotFound, QueueUnavailable

if TYPE_CHECKING:
    from app.api.application import Application

PREFIX = "/rq"
NAME = "rq_dashboard"


def mount(app: Application, connection: redis.Redis) -> None:
    """Serve rq-dashboard, on `connection` and its deadlines. Several applications of a process may."""
    _refuse_pickle()
    app.redis_conn = connection
    # Shown on the pages as the list of instances; never the URL, which has the password.
    app.config["RQ_DASHBOARD_REDIS_URL"] = ("Redis",)
    app.register_blueprint(web.blueprint, url_prefix=PREFIX)
    app.before_request_funcs[NAME] = [_check_request]
    app.after_request_funcs[NAME] = [_set_content_policy]
    app.context_processor(lambda: {"csp_nonce": _make_nonce, "csrf_token": _find_csrf})
    app.register_error_handler(NoSuchJobError, _answer_no_such_job)
    declare_routes(app, f"{NAME}.", "admin", browser=True)


def _refuse_pickle() -> None:
    """Make JSON RQ's default in this process: the dashboard reads some jobs without naming a serializer.

    Unpickling what somebody put into Redis would run it.
    """
    rq.serializers.PickleSerializer = rq.serializers.JSONSerializer
    rq.serializers.DefaultSerializer = rq.serializers.JSONSerializer
    web.config.serializer = rq.serializers.JSONSerializer


def _check_request() -> None:
    """Instead of the blueprint's own hook, which connects anew. Raises QueueUnavailable."""
    if request.endpoint == f"{NAME}.requeue_all" and request.method in SAFE_METHODS:
        raise MethodNotAllowed(valid_methods=["POST"])
    if (request.view_args or {}).get("instance_number", 0) != 0:
        raise NotFound("there is one Redis here, number 0")
    try:
        current_app.redis_conn.ping()  # type: ignore[attr-defined]  # set in mount
    except (redis.RedisError, OSError) as error:
        raise QueueUnavailable("Redis does not answer") from error
    if request.method not in SAFE_METHODS:
        about = (request.view_args or {}).get("job_id") or (request.view_args or {}).get("queue_name") or "all"
        record(f"rq.{str(request.endpoint).removeprefix(f'{NAME}.')}", f"rq:{about}"[:200], "asked")


def _answer_no_such_job(_: NoSuchJobError) -> Response:
    return answer_error(NotFound("there is no such job (any more)"))


def _find_csrf() -> str:
    session = current_caller().session
    return session.csrf if session else ""


def _make_nonce() -> str:
    nonce: str = g.setdefault("csp_nonce", secrets.token_urlsafe(16))
    return nonce


def _set_content_policy(response: Response) -> Response:
    # Its templates are compiled in the browser ('unsafe-eval') and set style attributes.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' 'nonce-{_make_nonce()}' 'unsafe-eval';"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response
