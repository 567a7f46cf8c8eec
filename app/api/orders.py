"""Orders: the list, one order's whole life, and the change of its status."""

from __future__ import annotations

import re

from flask import Flask, Response, request

from app.api.answers import answer_json
from app.api.auth import current_actor, current_caller
from app.api.cursors import decode_page_key, encode_page_key, link_next
from app.api.errors import answer_error
from app.api.policy import add_route
from app.api.schemas import (
    OrderAnswer,
    OrderPage,
    OrderQuery,
    PayloadQuery,
    StatusAnswer,
    StatusChangeBody,
)
from app.api.services import services
from app.errors import Conflict, Forbidden, NotFound, PreconditionFailed, PreconditionRequired
from app.log import request_id
from app.orders.status import StaleRevision, change_status
from app.orders.transitions import list_next
from app.store.order_reads import OrderFilter, PageKey, list_orders, read_order

_ETAG = re.compile(r'"([1-9]\d{0,9})"')


def register(app: Flask) -> None:
    add_route(
        app,
        "/orders",
        get_orders,
        policy="viewer",
        tag="orders",
        summary="List orders, newest first",
        query=OrderQuery,
        answers={200: OrderPage},
        answer_headers={"Link": 'The next page, rel="next"; absent on the last one.'},
    )
    add_route(
        app,
        "/orders/<rowid:order_id>",
        get_order,
        policy="viewer",
        tag="orders",
        summary="Read one order with items, refunds, fulfilments, events and deliveries",
        query=PayloadQuery,
        answers={200: OrderAnswer},
        answer_headers={"ETag": "The order's revision, for If-Match."},
        errors=(NotFound,),
    )
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


def get_orders(query: OrderQuery) -> Response:
    wanted = OrderFilter(**query.model_dump(exclude={"limit", "cursor"}))
    after = decode_page_key(query.cursor) if query.cursor is not None else None
    # One row more than the page tells whether there is a next one, without a count.
    rows = list_orders(services().pool, wanted, after=after, limit=query.limit + 1)
    page = rows[: query.limit]
    following = None
    if len(rows) > query.limit:
        following = encode_page_key(PageKey(page[-1]["placed_at"], page[-1]["id"]))
    response = answer_json(OrderPage.model_validate({"orders": page, "next": following}))
    link_next(response, following)
    return response


def get_order(order_id: int, query: PayloadQuery) -> Response:
    if query.payload and current_caller().role != "admin":
        raise Forbidden("raw payloads need a token of role admin")
    order = read_order(services().pool, order_id, with_payloads=query.payload)
    if order is None:
        raise NotFound(f"there is no order {order_id}")
    order["next_statuses"] = list_next(order["progress"], order["channel_status"])
    response = answer_json(OrderAnswer.model_validate(order))
    response.headers["ETag"] = _format_etag(order["revision"])
    return response


def patch_order_status(order_id: int, body: StatusChangeBody) -> Response:
    try:
        change = change_status(
            services().pool,
            order_id,
            body.status,
            revision=_read_if_match(),
            actor=current_actor(),
            request_id=request_id.get(),
            pushed=services().pushed,
        )
    except StaleRevision as error:
        response = answer_error(error)
        response.headers["ETag"] = _format_etag(error.revision)
        return response
    response = answer_json(StatusAnswer.model_validate(change))
    response.headers["ETag"] = _format_etag(change.revision)
    return response


def _format_etag(revision: int) -> str:
    return f'"{revision}"'


def _read_if_match() -> int:
    given = request.headers.get("If-Match", "").strip()
    match = _ETAG.fullmatch(given)
    if match is None:
        raise PreconditionRequired('send If-Match with the ETag of the order you read, as in: If-Match: "3"')
    return int(match[1])
