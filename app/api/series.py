"""What a page under /dashboards may ask Prometheus: read-only paths, known parameters, bounded work.

The caller's headers end here: Prometheus sees the checked parameters and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from flask import request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.validation import MAX_CONSOLE_BODY, describe_errors
from app.errors import Malformed, NotFound, TooLarge

MAX_QUERY = 16_000  # characters; the longest of our panels has some hundred, and a list of 200 instances 4000 more
MAX_RANGE_S = 41 * 86400  # Prometheus keeps 40 days here
MAX_POINTS = 2000  # of one line: more than a screen has columns
MAX_SERIES = 10_000
LABEL_VALUES = re.compile(r"label/([a-zA-Z_][a-zA-Z0-9_]{0,127})/values")
REPEATED = "match[]"

Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY)]


class _Question(BaseModel):
    """Times are seconds since 1970, steps seconds; Prometheus' other notations are not taken."""

    model_config = ConfigDict(extra="forbid")


class InstantQuestion(_Question):
    query: Expression
    time: Seconds | None = None


class _RangeQuestion(_Question):
    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def check_range(self) -> _RangeQuestion:
        if not 0 <= self.end - self.start <= MAX_RANGE_S:
            raise ValueError(f"end must be at or after start, and at most {MAX_RANGE_S // 86400} days")
        return self


class RangeQuestion(_RangeQuestion):
    query: Expression
    step: Annotated[float, Field(ge=1, le=MAX_RANGE_S, allow_inf_nan=False)]

    @model_validator(mode="after")
    def check_points(self) -> RangeQuestion:
        if (self.end - self.start) / self.step >= MAX_POINTS:
            raise ValueError(f"more than {MAX_POINTS} points; take a longer step")
        return self


class LabelQuestion(_RangeQuestion):
    match: Annotated[list[Expression], Field(alias=REPEATED, max_length=10)] = []


class SeriesQuestion(LabelQuestion):
    match: Annotated[list[Expression], Field(alias=REPEATED, min_length=1, max_length=10)]


QUESTIONS: Mapping[str, type[_Question]] = {
    "query": InstantQuestion,
    "query_range": RangeQuestion,
    "series": SeriesQuestion,
    "labels": LabelQuestion,
}


def read_question(path: str) -> tuple[str, list[tuple[str, str]]]:
    """The method and the parameters to ask Prometheus' `path` with, out of this request.

    Raises NotFound for a path that is not allowed, Malformed, TooLarge.
    """
    values = LABEL_VALUES.fullmatch(path)
    model = LabelQuestion if values else QUESTIONS.get(path)
    if model is None:
        allowed = ", ".join([*QUESTIONS, "label/<name>/values"])
        raise NotFound(f"this path of Prometheus is not served here; served are: {allowed}")
    try:
        question = model.model_validate(_collect(_read_given()))
    except ValidationError as error:
        raise Malformed(describe_errors(error)) from error
    # Prometheus takes the values of a label by GET alone.
    return "GET" if values else "POST", _write(question, limited=path not in ("query", "query_range"))


def _read_given() -> MultiDict[str, str]:
    """Query string and form together."""
    request.max_content_length = MAX_CONSOLE_BODY
    try:
        return MultiDict([*request.args.items(multi=True), *request.form.items(multi=True)])
    except RequestEntityTooLarge as error:
        raise TooLarge(f"the form may have at most {MAX_CONSOLE_BODY} bytes") from error


def _collect(given: MultiDict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, found in given.lists():
        if name != REPEATED and len(found) > 1:
            raise Malformed(f"{name[:80]}: is given {len(found)} times; give it once")
        values[name] = found if name == REPEATED else found[0]
    return values


def _write(question: _Question, *, limited: bool) -> list[tuple[str, str]]:
    written: list[tuple[str, str]] = []
    for name, value in question.model_dump(by_alias=True, exclude_none=True).items():
        written += [(name, one if isinstance(one, str) else f"{one:.3f}") for one in _as_list(value)]
    # Prometheus before 2.54 does not know it, and ignores it.
    return [*written, ("limit", str(MAX_SERIES))] if limited else written


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
