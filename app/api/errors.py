"""Every error of a request as problem details (RFC 9457): the same shape whoever raised it."""

from __future__ import annotations

import re
from http import HTTPStatus

import orjson
import redis
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from app.api.auth import name_challenge
from app.api.console_pages import send_to_login
from app.errors import AnswerableError, QueueUnavailable, problem
from app.log import request_id

PROBLEM_TYPE = "application/problem+json"


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(AnswerableError, answer_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(redis.RedisError, _answer_redis_error)


def answer_error(error: AnswerableError) -> Response:
    """The answer to one of our own errors, with Retry-After and WWW-Authenticate where they belong.

    Whoever opens a page without being logged in is sent to log in.
    """
    if error.reason == "unauthorized" and (to_login := send_to_login()):
        return to_login
    response = _make_problem(error.status, error.reason, error.detail)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if error.reason == "unauthorized":
        response.headers["WWW-Authenticate"] = name_challenge()
    return response


def _answer_http_exception(error: HTTPException) -> Response:
    """Routing errors, and 500 for whatever nobody caught: Flask logs that one, and its text stays inside."""
    status = error.code or 500
    if status == 500:
        return _make_problem(500, "internal", "something failed here; its request id is in our logs")
    phrase = HTTPStatus(status).phrase
    response = _make_problem(status, re.sub(r"[^a-z]+", "_", phrase.lower()), f"{phrase}.")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _answer_redis_error(_: redis.RedisError) -> Response:
    return answer_error(QueueUnavailable("Redis does not answer"))


def _make_problem(status: int, reason: str, detail: str) -> Response:
    body = orjson.dumps(problem(status, reason, detail, request_id.get()))
    return Response(body, status, content_type=PROBLEM_TYPE)
