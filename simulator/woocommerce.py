"""WooCommerce's REST API v3, as far as orders go: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from flask import Blueprint, Response, request

from app.model import ChannelStatus
from simulator.catalogue import Line, Order
from simulator.misbehaviour import REPEATED_CURSOR
from simulator.orders import Change, Refused
from simulator.simulation import Simulation, answer_json, is_same, read_object

DEFAULT_PAGE, LARGEST_PAGE = 10, 100
ZONE = timezone(timedelta(hours=-3))  # the shop's: what its times mean without dates_are_gmt
STATUSES: dict[str, str] = {
    "pending": "pending",
    "failed": "failed",
    "paid": "processing",
    "fulfilled": "completed",
    "partially_refunded": "completed",
    "refunded": "refunded",
    "cancelled": "cancelled",
}
# Statuses a caller may set. What it means in our words is in the world's.
SETTABLE: dict[str, ChannelStatus] = {
    "pending": "pending",
    "on-hold": "pending",
    "failed": "failed",
    "processing": "paid",
    "completed": "fulfilled",
    "refunded": "refunded",
    "cancelled": "cancelled",
}


def answer_error(code: str, message: str, status: int) -> Response:
    return answer_json({"code": code, "message": message, "data": {"status": status}}, status)


def answer_failure(status: int, retry_after_s: float | None = None) -> Response:
    """An error as WordPress, or what stands before it, writes it. WooCommerce itself knows no limit of requests."""
    if status == 429:
        return Response("Too Many Requests", 429, {"Retry-After": f"{retry_after_s or 2:.0f}"}, mimetype="text/html")
    known = {
        401: ("woocommerce_rest_authentication_error", "Consumer secret is invalid."),
        403: ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
        404: ("rest_no_route", "No route was found matching the URL and request method."),
    }
    code, message = known.get(status, ("internal_server_error", "There has been a critical error on this website."))
    return answer_error(code, message, status)


def write_times(name: str, time: datetime | None) -> dict[str, str | None]:
    """A time twice, without a zone: in the shop's, and in UTC under `_gmt`."""
    if time is None:
        return {name: None, f"{name}_gmt": None}
    local, utc = (time.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S") for zone in (ZONE, UTC))
    return {name: local, f"{name}_gmt": utc}


def write_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "parent_id": 0,
        "number": order.number,
        "order_key": f"wc_order_{order.serial:x}",
        "created_via": "checkout",
        "version": "9.4.0",
        "status": STATUSES[order.status],
        "currency": order.currency,
        **write_times("date_created", order.created_at),
        **write_times("date_modified", order.updated_at),
        **write_times("date_paid", order.paid_at),
        **write_times("date_completed", order.shipments[0].at if order.shipments else None),
        "discount_total": str(order.discount),
        "discount_tax": "0.00",
        "shipping_total": str(order.shipping),
        "shipping_tax": "0.00",
        "cart_tax": str(order.tax),
        "total": str(order.total),
        "total_tax": str(order.tax),
        "prices_include_tax": False,
        "customer_id": 0,
        "customer_note": "",
        "billing": {**write_address(order), "email": order.email, "phone": ""},
        "shipping": write_address(order),
        "payment_method": "bacs",
        "payment_method_title": "Direct Bank Transfer",
        "transaction_id": "",
        "meta_data": [{"id": place, "key": key, "value": text} for place, (key, text) in enumerate(order.meta.items())],
        "line_items": [write_line(line) for line in order.lines],
        "tax_lines": [],
        "shipping_lines": [
            {"id": order.id * 100 + 40, "method_title": "Flat Rate", "method_id": "flat_rate",
             "total": str(order.shipping), "total_tax": "0.00", "taxes": [], "meta_data": []}
        ],
        "fee_lines": [],
        "coupon_lines": [{"id": order.id * 100 + 30, "code": "less", "discount": str(order.discount)}]
        if order.discount
        else [],
        "refunds": [
            {"id": refund.id, "reason": "returned", "total": str(-refund.amount)} for refund in order.refunds
        ],
    }  # fmt: skip


def write_address(order: Order) -> dict[str, str]:
    return {"first_name": order.name[0], "last_name": order.name[1], "company": "",
            "address_1": f"{order.serial} Market", "address_2": "", "city": "Hamburg", "state": "",
            "postcode": "20095", "country": order.country}  # fmt: skip


def write_line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "product_id": 93,
        "variation_id": 0,
        "quantity": line.quantity,
        "subtotal": str(line.gross),
        "subtotal_tax": str(line.tax),
        "total": str(line.total),
        "total_tax": str(line.tax),
        "taxes": [],
        "meta_data": [],
        "sku": line.sku,
        "price": float(line.total / line.quantity),
    }


def list_events(order: Order, change: Change) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "order.created" if change.created else "order.updated", write_order(order)


def read_date(name: str) -> datetime | None:
    """A date of the query, in the shop's zone unless dates_are_gmt. Raises ValueError."""
    text = request.args.get(name)
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    if time.tzinfo is not None:
        return time.astimezone(UTC)
    is_utc = request.args.get("dates_are_gmt", "").lower() in ("true", "1")
    return time.replace(tzinfo=UTC if is_utc else ZONE).astimezone(UTC)


def read_number(name: str, default: int, largest: int) -> int:
    """A whole number of the query. Raises ValueError."""
    number = int(request.args.get(name, default))
    if not 1 <= number <= largest:
        raise ValueError
    return number


def select_orders(simulation: Simulation) -> list[Order]:
    """Orders the query asks for; both ends of the window are outside it. Raises ValueError with the parameter."""
    dates = {}
    for name in ("modified_after", "modified_before"):
        try:
            dates[name] = read_date(name)
        except ValueError:
            raise ValueError(name) from None
    after, before = dates.values()
    found = [
        order
        for order in simulation.world.list_orders("woocommerce")
        if (after is None or order.updated_at > after) and (before is None or order.updated_at < before)
    ]
    if request.args.get("orderby", "date") != "modified":
        found.sort(key=lambda order: (order.created_at, order.serial))
    return found if request.args.get("order", "desc") == "asc" else found[::-1]


def make_blueprint(simulation: Simulation) -> Blueprint:
    """The routes; the names of the functions are the operations that can be made to misbehave."""
    api = Blueprint("woocommerce", __name__, url_prefix="/wp-json/wc/v3")
    world = simulation.world

    @api.before_request
    def check_caller() -> Response | None:
        given = request.authorization
        if given is None or not is_same(given.username, simulation.credentials.woocommerce_api_key):
            return answer_error("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", 401)
        if not is_same(given.password, simulation.credentials.woocommerce_api_secret):
            return answer_failure(401)
        return None

    @api.get("/orders")
    def list_orders() -> Response:
        name = "page"
        try:
            page = read_number(name, 1, 1_000_000)
            name = "per_page"
            size = read_number(name, DEFAULT_PAGE, LARGEST_PAGE)
        except ValueError:
            return answer_error("rest_invalid_param", f"Invalid parameter(s): {name}", 400)
        with world.lock:
            try:
                found = select_orders(simulation)
            except ValueError as error:
                return answer_error("rest_invalid_param", f"Invalid parameter(s): {error}", 400)
            pages = -(-len(found) // size)
            if simulation.misbehaviour.pick("woocommerce", "list_orders", REPEATED_CURSOR):
                # Pages that never end: each one asked for is the one before, and there is one more.
                pages, page = page + 1, max(1, page - 1)
            documents = [write_order(order) for order in found[(page - 1) * size : page * size]]
        simulation.spoil_list("woocommerce", "list_orders", documents)
        return answer_json(documents, headers={"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)})

    @api.get("/orders/<int:order_id>")
    def get_order(order_id: int) -> Response:
        with world.lock:
            order = world.find_order("woocommerce", str(order_id))
            if order is None:
                return answer_error("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
            return answer_json(write_order(order))

    @api.put("/orders/<int:order_id>")
    def update(order_id: int) -> Response:
        body = read_object(request)
        with world.lock:
            order = world.find_order("woocommerce", str(order_id))
            if order is None:
                return answer_error("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 400)
            status = body.get("status")
            if status is not None and status not in SETTABLE:
                return answer_error("rest_invalid_param", "Invalid parameter(s): status", 400)
            if isinstance(body.get("meta_data"), list):
                # Notes on an order do not count as a change of it here: who reads them, reads the order.
                order.meta |= {str(one["key"]): str(one["value"]) for one in body["meta_data"] if is_note(one)}
            if status is not None:
                key = request.headers.get("Idempotency-Key") or f"update:{order_id}:{status}"
                applied = change_status(simulation, order, status)
                simulation.pushes.record("woocommerce", "update", key, order.external_id, applied=applied)
            return answer_json(write_order(order))

    return api


def is_note(one: Any) -> bool:
    return isinstance(one, dict) and "key" in one and "value" in one


def change_status(simulation: Simulation, order: Order, status: str) -> bool:
    """Set the status as WooCommerce does, which forbids nothing; False when the order has it already."""
    if STATUSES[order.status] == status:
        return False
    wanted = SETTABLE[status]
    if order.refunds and wanted in ("paid", "fulfilled"):
        wanted = "partially_refunded"  # what such an order is, whatever the shop calls it
    try:
        if wanted == "fulfilled":
            simulation.world.ship_order(order, order.list_unshipped())
        elif wanted == "cancelled":
            simulation.world.cancel_order(order)
        elif wanted == "refunded":
            simulation.world.refund_order(order, None)
        else:
            simulation.world.set_status(order, wanted)
    except Refused:
        simulation.world.set_status(order, wanted)
    return True
