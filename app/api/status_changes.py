"""Changes of orders' status by operators: one order, or several at once with a result for each."""

from __future__ import annotations

import re
import time

from flask import Flask, Response, request

from app.api.answers import answer_json
from app.api.audit import describe
from app.api.auth import current_actor
from app.api.errors import answer_error
from app.api.policy import add_route
from app.api.schemas import (
    OrderAtRevision,
    StatusAnswer,
    StatusChangeBody,
    StatusChangesAnswer,
    StatusChangesBody,
    StatusOutcome,
)
from app.api.services import services
from app.errors import Conflict, NotFound, PreconditionFailed, PreconditionRequired, Unavailable
from app.log import request_id
from app.orders.status import StaleRevision, StatusChange, change_status
from app.orders.transitions import Progress

MANY_SECONDS = 20.0  # for all orders of one request; what is not done then is told so

_ETAG = re.compile(r'"([1-9]\d{0,9})"')


def register(app: Flask) -> None:
    add_route(
        app,
        "/orders/<rowid:order_id>/status",
        patch_order_status,
        methods=("PATCH",),
        policy="operator",
        tag="orders",
        summary="Change an order's status, if it is still as it was read",
        body=StatusChangeBody,
        headers={"If-Match": "ETag of the order as it was read."},
        answers={200: StatusAnswer},
        answer_headers={"ETag": "The new revision."},
        errors=(NotFound, Conflict, PreconditionFailed, PreconditionRequired),
    )
    add_route(
        app,
        "/orders/statuses",
        post_order_statuses,
        methods=("POST",),
        policy="operator",
        tag="orders",
        summary="Change the status of several orders, each if it is still as it was read, with a result for each",
        body=StatusChangesBody,
        answers={200: StatusChangesAnswer},
    )


def patch_order_status(order_id: int, body: StatusChangeBody) -> Response:
    try:
        change = _change(order_id, body.status, _read_if_match())
    except StaleRevision as error:
        response = answer_error(error)
        response.headers["ETag"] = format_etag(error.revision)
        return response
    response = answer_json(StatusAnswer.model_validate(change))
    response.headers["ETag"] = format_etag(change.revision)
    return response


def post_order_statuses(body: StatusChangesBody) -> Response:
    """Each order is its own transaction: one that cannot be changed keeps no other from it.

    Raises Unavailable when not even the first could be tried.
    """
    deadline = time.monotonic() + MANY_SECONDS
    results: list[StatusOutcome] = []
    for wanted in body.orders:
        if time.monotonic() > deadline:
            late = f"not tried within the {MANY_SECONDS:.0f} s of this request; send it again"
            results.append(StatusOutcome(id=wanted.id, outcome="failed", detail=late))
            continue
        try:
            results.append(_try_change(wanted, body.status))
        except Unavailable as error:
            if not results:
                raise
            results.append(StatusOutcome(id=wanted.id, outcome="failed", detail=error.detail))
    return answer_json(StatusChangesAnswer(results=results))


def _try_change(wanted: OrderAtRevision, status: Progress) -> StatusOutcome:
    try:
        change = _change(wanted.id, status, wanted.revision)
    except StaleRevision as error:
        return StatusOutcome(id=wanted.id, outcome="stale", revision=error.revision, detail=error.detail)
    except Conflict as error:
        return StatusOutcome(id=wanted.id, outcome="refused", revision=wanted.revision, detail=error.detail)
    except NotFound as error:
        return StatusOutcome(id=wanted.id, outcome="missing", detail=error.detail)
    return StatusOutcome(id=wanted.id, outcome="changed", revision=change.revision)


def _change(order_id: int, status: Progress, revision: int) -> StatusChange:
    return change_status(
        services().pool,
        order_id,
        status,
        revision=revision,
        actor=current_actor(),
        request_id=request_id.get(),
        pushed=services().pushed,
        audit=describe("order.status", f"order:{order_id}", to=status),
    )


def format_etag(revision: int) -> str:
    return f'"{revision}"'


def _read_if_match() -> int:
    given = request.headers.get("If-Match", "").strip()
    match = _ETAG.fullmatch(given)
    if match is None:
        raise PreconditionRequired('send If-Match with the ETag of the order you read, as in: If-Match: "3"')
    return int(match[1])
