"""The description of the API, OpenAPI 3.1, made from the declarations of the routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from apispec import APISpec
from flask import Flask, Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.auth import CSRF_HEADER, SAFE_METHODS
from app.api.policy import Operation, add_route
from app.api.schemas import NoQuery, ProblemAnswer
from app.api.sessions import COOKIE
from app.errors import (
    AnswerableError,
    Forbidden,
    Malformed,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

EXTENSION = "palmonas.openapi"
REF = "#/components/schemas/{model}"
VERSION = "1"

Models = Mapping[Any, Mapping[str, Any]]  # a model to the reference to its schema


def register(app: Flask) -> None:
    add_route(
        app,
        "/openapi.json",
        get_openapi,
        policy="viewer",
        tag="description",
        summary="This description",
        query=NoQuery,
        browser=True,
    )


def publish(app: Flask, declared: Mapping[str, Operation]) -> None:
    """Make the description once, at the start."""
    app.extensions[EXTENSION] = orjson.dumps(build_description(declared))


def get_openapi(query: NoQuery) -> Response:
    return Response(current_app.extensions[EXTENSION], content_type="application/json")


def build_description(declared: Mapping[str, Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 of all documented operations, by endpoint."""
    documented = {name: one for name, one in declared.items() if one.documented}
    spec = APISpec(
        title="Palmonas",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": "Orders of every sales channel. Errors are RFC 9457 problem details."},
        security=[],
    )
    spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "palmonas token create"}
    )
    spec.components.security_scheme(
        "session",
        {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": f"POST /session; changes also need {CSRF_HEADER}, and an Origin that is this server's",
        },
    )
    refs, definitions = _collect_models(documented.values())
    for name, definition in definitions.items():
        spec.components.schema(name, definition)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, operation in documented.items():
        described = paths.setdefault(operation.openapi_path, {})
        for method in operation.methods:
            described[method.lower()] = _describe(endpoint, operation, refs)
    for path, described in paths.items():
        spec.path(path, operations=described)
    return dict(spec.to_dict())


def _collect_models(declared: Iterable[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    inputs: dict[type[BaseModel], None] = {}
    outputs: dict[type[BaseModel], None] = {ProblemAnswer: None}
    for operation in declared:
        if operation.body:  # query strings are described parameter by parameter
            inputs[operation.body] = None
        outputs |= {one: None for one in operation.answers.values() if isinstance(one, type)}
    found, whole = models_json_schema(
        [(one, "validation") for one in inputs] + [(one, "serialization") for one in outputs],
        ref_template=REF,
    )
    return {model: schema for (model, _), schema in found.items()}, whole.get("$defs", {})


def _describe(endpoint: str, operation: Operation, refs: Models) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_list_parameters(operation)),
        "responses": _describe_answers(operation, refs),
        "security": [{"token": []}, {"session": []}] if operation.needs_token else [],
    }
    if operation.needs_token:
        described["description"] = f"Needs the role {operation.policy} or a higher one."
    if operation.policy == "signed":
        described["description"] = "Signed by the channel's secret, in the channel's own headers."
    if operation.body:
        described["requestBody"] = _describe_body({"application/json": {"schema": refs[operation.body]}})
    elif operation.body_types:
        described["requestBody"] = _describe_body({one: {} for one in operation.body_types})
    return described


def _describe_body(content: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content}


def _list_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name, converter in operation.arguments:
        kind = {"type": "integer", "minimum": 1} if converter == "rowid" else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": kind}
    for name, meaning in operation.headers.items():
        yield {
            "name": name,
            "in": "header",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
        }
    if operation.needs_token and not operation.read_only and any(one not in SAFE_METHODS for one in operation.methods):
        yield {
            "name": CSRF_HEADER,
            "in": "header",
            "required": False,
            "description": "`csrf` of GET /session; with a session by cookie only, and then required.",
            "schema": {"type": "string"},
        }
    if operation.query:
        schema = operation.query.model_json_schema(ref_template=REF)
        for name, described in schema.get("properties", {}).items():
            yield {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": described.pop("description", ""),
                "schema": described,
            }


def _describe_answers(operation: Operation, refs: Models) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, model in operation.answers.items():
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if isinstance(model, str):
            answers[str(status)]["content"] = {model: {"schema": {"type": "string"}}}
        elif model:
            answers[str(status)]["content"] = {"application/json": {"schema": refs[model]}}
        if operation.answer_headers:
            answers[str(status)]["headers"] = {
                name: {"description": meaning, "schema": {"type": "string"}}
                for name, meaning in operation.answer_headers.items()
            }
    for error in _list_errors(operation):
        answers[str(error.status)] = {
            "description": HTTPStatus(error.status).phrase,
            "content": {"application/problem+json": {"schema": refs[ProblemAnswer]}},
        }
    return answers


def _list_errors(operation: Operation) -> list[type[AnswerableError]]:
    errors = list(operation.errors)
    if operation.query or operation.body:
        errors.append(Malformed)
    if operation.body:
        errors += [RequestTimeout, TooLarge, UnsupportedMediaType]
    if operation.needs_token:
        errors += [Unauthorized, Forbidden, Unavailable]
    return sorted(errors, key=lambda error: error.status)
