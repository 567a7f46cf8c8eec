"""Orders: the list, and one order's whole life."""

from __future__ import annotations

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.audit import record
from app.api.auth import current_caller
from app.api.cursors import decode_page_key, encode_page_key, link_next
from app.api.policy import add_route
from app.api.reading import read_store
from app.api.schemas import OrderAnswer, OrderPage, OrderQuery, PayloadQuery
from app.api.status_changes import format_etag
from app.errors import Forbidden, NotFound
from app.orders.transitions import list_next
from app.store.order_reads import OrderFilter, PageKey, list_orders, read_order


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


def get_orders(query: OrderQuery) -> Response:
    wanted = OrderFilter(**query.model_dump(exclude={"limit", "cursor"}))
    after = decode_page_key(query.cursor) if query.cursor is not None else None
    # One row more than the page tells whether there is a next one, without a count.
    rows = read_store(lambda pool: list_orders(pool, wanted, after=after, limit=query.limit + 1))
    page = rows[: query.limit]
    following = None
    if len(rows) > query.limit:
        following = encode_page_key(PageKey(page[-1]["placed_at"], page[-1]["id"]))
    response = answer_json(OrderPage.model_validate({"orders": page, "next": following}))
    link_next(response, following)
    return response


def get_order(order_id: int, query: PayloadQuery) -> Response:
    if query.payload and current_caller().role != "admin":
        raise Forbidden("raw payloads need the role admin")
    order = read_store(lambda pool: read_order(pool, order_id, with_payloads=query.payload))
    if order is None:
        raise NotFound(f"there is no order {order_id}")
    if query.payload:
        record("order.payload", f"order:{order_id}")
    order["next_statuses"] = list_next(order["progress"], order["channel_status"])
    response = answer_json(OrderAnswer.model_validate(order))
    response.headers["ETag"] = format_etag(order["revision"])
    return response
