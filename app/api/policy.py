"""Routes: every one declares who may use it, what it takes and what it answers.

`add_route` is the only way to add one. `check_policies` stops the start when a rule of the URL map came by
another way and has no policy; OpenAPI is generated from the same declarations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from flask import Flask, Response, current_app, g, request
from prometheus_flask_exporter import PrometheusMetrics
from pydantic import BaseModel
from werkzeug.routing import IntegerConverter

from app.api.validation import parse_body, parse_query
from app.errors import AnswerableError

# public: anybody. signed: the view checks the sender's signature itself.
# The others: a session or an API token of that role or a higher one.
Policy = Literal["public", "signed", "viewer", "operator", "admin"]

EXTENSION = "palmonas.operations"
_ARGUMENT = re.compile(r"<(?:([a-z]+):)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One route, as it was declared."""

    rule: str
    methods: tuple[str, ...]
    policy: Policy
    summary: str = ""
    tag: str = ""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[int, type[BaseModel] | str | None] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[type[AnswerableError], ...] = ()
    tracked: bool = True
    browser: bool = False
    documented: bool = True
    read_only: bool = False
    passive: bool = False

    @property
    def needs_token(self) -> bool:
        return self.policy not in ("public", "signed")

    @property
    def openapi_path(self) -> str:
        return _ARGUMENT.sub(r"{\2}", self.rule)

    @property
    def arguments(self) -> tuple[tuple[str, str], ...]:
        """Name and converter of each part of the path that varies."""
        return tuple((name, converter) for converter, name in _ARGUMENT.findall(self.rule))


class RowId(IntegerConverter):
    """A bigint key. Longer numbers do not match: PostgreSQL would compare them as numeric, by a full scan."""

    regex = r"\d{1,19}"

    def __init__(self, map_: Any) -> None:
        super().__init__(map_, min=1, max=2**63 - 1)


def add_route(  # each keyword is one line of the declaration
    app: Flask,
    rule: str,
    view: Callable[..., Any],
    *,
    policy: Policy,
    summary: str,
    tag: str,
    methods: tuple[str, ...] = ("GET",),
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    body_types: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    answers: Mapping[int, type[BaseModel] | str | None] | None = None,
    answer_headers: Mapping[str, str] | None = None,
    errors: tuple[type[AnswerableError], ...] = (),
    tracked: bool = True,
    browser: bool = False,
    documented: bool = True,
    read_only: bool = False,
    passive: bool = False,
) -> None:
    """Add `view` under `rule`, with its policy, its input and its answers.

    query, body: models; the view gets the validated values as keywords `query` and `body`.
    body_types: content types of a body that the view reads itself (webhooks); documentation only.
    headers: required request headers, name to description; documentation only, the view checks them.
    answers: status to model of the body (a content type for one that is not JSON, None for none), each good answer.
    answer_headers: headers of good answers, name to description.
    errors: the errors of `app.errors` the view itself may raise; 400 for `query` and `body`, and 401, 403 and
        503 for tokens, are added by themselves.
    tracked: False keeps the route out of the Flask metrics, the request log and the page headers; for routes
        that measure and log themselves.
    browser: also takes the token as the password of HTTP Basic, for pages that a browser opens by itself.
    read_only: a POST that changes nothing: a session may send it without its CSRF token.
    passive: a page asks for it by itself, again and again: that somebody is there, and keeps a session alive, it
        does not say.
    """
    endpoint = view.__name__
    operation = Operation(
        rule, methods, policy, summary, tag, query, body, body_types, headers or {}, answers or {200: None},
        answer_headers or {}, errors, tracked, browser, documented, read_only, passive,
    )  # fmt: skip
    wrapped = _with_input(view, operation) if query or body else view
    if not tracked:
        wrapped = PrometheusMetrics.do_not_track()(wrapped)
    app.add_url_rule(rule, endpoint, wrapped, methods=list(methods))
    operations(app)[endpoint] = operation


def declare_routes(app: Flask, prefix: str, policy: Policy, *, browser: bool = False) -> None:
    """Give a policy to the routes that a library added: all endpoints that start with `prefix`."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(prefix):
            operations(app)[rule.endpoint] = Operation(
                rule.rule, tuple(sorted(rule.methods or ())), policy, browser=browser, documented=False
            )


def operations(app: Flask) -> dict[str, Operation]:
    """All declared routes of `app`, by endpoint."""
    found: dict[str, Operation] = app.extensions.setdefault(EXTENSION, {})
    return found


def current_operation() -> Operation | None:
    """The route of this request; None when no rule matches. Looked up once: the accept path counts microseconds."""
    if "operation" not in g:
        found = operations(current_app).get(request.endpoint) if request.endpoint else None
        g.operation = found
    operation: Operation | None = g.operation
    return operation


def check_policies(app: Flask) -> None:
    """Raise RuntimeError when a rule of the URL map has no policy."""
    missing = sorted(rule.rule for rule in app.url_map.iter_rules() if rule.endpoint not in operations(app))
    if missing:
        raise RuntimeError(f"routes without a policy: {', '.join(missing)}; add them with add_route")


def _with_input(view: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    @wraps(view)
    def call(**arguments: Any) -> Response:
        if operation.query:
            arguments["query"] = parse_query(operation.query)
        if operation.body:
            arguments["body"] = parse_body(operation.body)
        answer: Response = view(**arguments)
        return answer

    return call
