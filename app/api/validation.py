"""Input of the console routes: query strings and JSON bodies into models, errors into sentences."""

from __future__ import annotations

from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Malformed, TooLarge, UnsupportedMediaType

MAX_CONSOLE_BODY = 64 * 1024  # bytes; the largest body of a console route is a status name

Model = TypeVar("Model", bound=BaseModel)


def parse_query(model: type[Model]) -> Model:
    """The query string as `model`. Raises Malformed for unknown, repeated and wrong parameters."""
    values = {}
    for name, given in request.args.lists():
        if len(given) > 1:
            raise Malformed(f"{name}: is given {len(given)} times; give it once")
        values[name] = given[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Malformed(describe_errors(error)) from error


def parse_body(model: type[Model]) -> Model:
    """The JSON body as `model`. Raises UnsupportedMediaType, TooLarge, Malformed."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send the body as Content-Type: application/json")
    request.max_content_length = MAX_CONSOLE_BODY
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise TooLarge(f"the body may have at most {MAX_CONSOLE_BODY} bytes") from error
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Malformed(describe_errors(error)) from error


def describe_errors(error: ValidationError) -> str:
    """One sentence for each wrong field; never what was given, it may be a customer's data."""
    sentences = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in one["loc"]) or "body"
        told = "is not known here" if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, ")
        sentences.append(f"{name[:80]}: {told}")
    return "; ".join(sentences[:10])
