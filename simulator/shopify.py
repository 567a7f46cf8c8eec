"""Shopify's Admin REST API, as far as orders go: https://shopify.dev/docs/api/admin-rest (2024 versions)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from simulator.catalogue import Order
from simulator.misbehaviour import REPEATED_CURSOR
from simulator.orders import Refused
from simulator.paging import Place, read_cursor, select_after, write_cursor
from simulator.shopify_payloads import write_order, write_shipment
from simulator.simulation import Simulation, answer_json, is_same, read_instant, read_object

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 250
LIST_FILTERS = frozenset({"status", "order", "updated_at_min", "updated_at_max"})
RETRY_AFTER_S = 2.0
# Number of an order's only fulfilment order: the order's, and these two digits.
FULFILLMENT_ORDER = 90
FIRST_PLACE: dict[bool, Place] = {
    False: (datetime.min.replace(tzinfo=UTC), 0),
    True: (datetime.max.replace(tzinfo=UTC), 0),
}


def answer_failure(status: int, retry_after_s: float | None = None) -> Response:
    """An error in Shopify's words."""
    texts = {
        401: "[API] Invalid API key or access token (unrecognized login or wrong password)",
        403: "[API] This action requires merchant approval for read_orders scope.",
        404: "Not Found",
        429: "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
    }
    headers = {"Retry-After": f"{retry_after_s or RETRY_AFTER_S:.1f}"} if status == 429 else {}
    return answer_json({"errors": texts.get(status, "Internal Server Error")}, status, headers)


def select_orders(simulation: Simulation, query: Mapping[str, str]) -> list[Order] | None:
    """Orders in the time window and state of `query`, in its order; None when a time in it cannot be read."""
    low, high = (read_instant(query[name]) if name in query else None for name in ("updated_at_min", "updated_at_max"))
    if ("updated_at_min" in query and low is None) or ("updated_at_max" in query and high is None):
        return None
    # Without status=any Shopify lists open orders only: the trap every poller of it falls into once.
    status = query.get("status", "open")
    found = [
        order
        for order in simulation.world.list_orders("shopify")
        if (low is None or order.updated_at >= low)
        and (high is None or order.updated_at <= high)
        and (status == "any" or (status == "cancelled") == (order.status == "cancelled"))
    ]
    return found[::-1] if is_backwards(query) else found


def is_backwards(query: Mapping[str, str]) -> bool:
    return query.get("order", "").lower() != "updated_at asc"


def read_limit(text: str | None) -> int:
    return min(max(int(text), 1), LARGEST_LIMIT) if text and text.isdecimal() else DEFAULT_LIMIT


def make_blueprint(simulation: Simulation) -> Blueprint:
    """The routes; the names of the functions are the operations that can be made to misbehave."""
    api = Blueprint("shopify", __name__, url_prefix="/admin/api/<version>")
    world, bucket = simulation.world, simulation.buckets["shopify"]

    @api.url_value_preprocessor
    def take_version(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.version = (values or {}).pop("version", "")

    @api.before_request
    def check_caller() -> Response | None:
        if not re.fullmatch(r"20[0-9]{2}-(01|04|07|10)", g.version):
            return answer_failure(404)
        if not is_same(request.headers.get("X-Shopify-Access-Token"), simulation.credentials.shopify_api_token):
            return answer_failure(401)
        return None if bucket.take() else answer_failure(429)

    @api.after_request
    def write_call_limit(response: Response) -> Response:
        response.headers["X-Shopify-Shop-Api-Call-Limit"] = f"{bucket.used}/{bucket.capacity}"
        return response

    @api.get("/orders.json")
    def list_orders() -> Response:
        return list_page(simulation)

    @api.get("/orders/<int:order_id>.json")
    def get_order(order_id: int) -> Response:
        with world.lock:
            order = world.find_order("shopify", str(order_id))
            return answer_json({"order": write_order(order)}) if order else answer_failure(404)

    @api.get("/orders/<int:order_id>/fulfillments.json")
    def list_fulfillments(order_id: int) -> Response:
        with world.lock:
            order = world.find_order("shopify", str(order_id))
            if order is None:
                return answer_failure(404)
            return answer_json({"fulfillments": [write_shipment(order, shipment) for shipment in order.shipments]})

    @api.get("/orders/<int:order_id>/fulfillment_orders.json")
    def list_fulfillment_orders(order_id: int) -> Response:
        with world.lock:
            order = world.find_order("shopify", str(order_id))
            return answer_json({"fulfillment_orders": [write_task(order)]}) if order else answer_failure(404)

    @api.post("/fulfillments.json")
    def fulfill() -> Response:
        return ship_order(simulation, read_object(request).get("fulfillment"))

    @api.post("/orders/<int:order_id>/cancel.json")
    def cancel(order_id: int) -> Response:
        with world.lock:
            order = world.find_order("shopify", str(order_id))
            if order is None:
                return answer_failure(404)
            key = request.headers.get("Idempotency-Key") or f"cancel:{order_id}"
            try:
                world.cancel_order(order)
            except Refused as reason:
                simulation.pushes.record("shopify", "cancel", key, order.external_id, applied=False)
                return answer_json({"error": f"Cannot cancel the order: {reason}"}, 422)
            simulation.pushes.record("shopify", "cancel", key, order.external_id, applied=True)
            return answer_json({"order": write_order(order)})

    return api


def list_page(simulation: Simulation) -> Response:
    """One page of orders, and the address of the next in the Link header; a cursor brings its own query along."""
    query: Mapping[str, str] = {name: value for name, value in request.args.items() if name in LIST_FILTERS}
    cursor, after = request.args.get("page_info"), None
    if cursor is not None:
        for name in query:
            return answer_json({"errors": {name: f"{name} cannot be passed when page_info is present."}}, 400)
        if (read := read_cursor(cursor)) is None:
            return answer_json({"errors": {"page_info": "Invalid value."}}, 400)
        query, after = read
    limit, backwards = read_limit(request.args.get("limit")), is_backwards(query)
    with simulation.world.lock:
        found = select_orders(simulation, query)
        if found is None:
            return answer_json({"errors": {"updated_at": "Invalid value."}}, 400)
        found = select_after(found, after, backwards=backwards)
        documents = [write_order(order) for order in found[:limit]]
        following = (found[limit - 1].updated_at, found[limit - 1].serial) if len(found) > limit else None
    if simulation.misbehaviour.pick("shopify", "list_orders", REPEATED_CURSOR):
        following = after or FIRST_PLACE[backwards]
    simulation.spoil_list("shopify", "list_orders", documents)
    headers = {}
    if following is not None:
        link = f"{request.base_url}?limit={limit}&page_info={write_cursor(query, following)}"
        headers["Link"] = f'<{link}>; rel="next"'
    return answer_json({"orders": documents}, headers=headers)


def write_task(order: Order) -> dict[str, Any]:
    """The order's fulfilment order: what is left to ship, and from where."""
    left = order.list_unshipped()
    status = "in_progress" if order.shipments else "open"
    if order.status == "cancelled":
        status = "cancelled"
    elif not left:
        status = "closed"
    task_id = order.id * 100 + FULFILLMENT_ORDER
    return {
        "id": task_id,
        "order_id": order.id,
        "assigned_location_id": 1,
        "request_status": "unsubmitted",
        "status": status,
        "supported_actions": ["create_fulfillment"] if status in ("open", "in_progress") else [],
        "line_items": [
            {
                "id": line.id * 10,
                "fulfillment_order_id": task_id,
                "line_item_id": line.id,
                "quantity": line.quantity,
                "fulfillable_quantity": left.get(line.id, 0),
            }
            for line in order.lines
        ],
    }


def ship_order(simulation: Simulation, wish: Any) -> Response:
    """Create the fulfilment that `wish`, the body's `fulfillment`, asks for: 201, or 422 with the reason."""
    tasks = wish.get("line_items_by_fulfillment_order") if isinstance(wish, dict) else None
    if not isinstance(tasks, list) or len(tasks) != 1 or not isinstance(tasks[0], dict):
        return answer_json({"errors": {"fulfillment": "Required parameter missing or invalid"}}, 400)
    task_id = tasks[0].get("fulfillment_order_id")
    order_id, kind = divmod(task_id, 100) if isinstance(task_id, int) else (0, 0)
    tracking = wish.get("tracking_info") or {}
    number = str(tracking.get("number") or "")
    with simulation.world.lock:
        order = simulation.world.find_order("shopify", str(order_id))
        if order is None or kind != FULFILLMENT_ORDER:
            return answer_failure(404)
        key = request.headers.get("Idempotency-Key") or f"fulfill:{order_id}:{number}"
        task = write_task(order)
        try:
            if task["status"] in ("closed", "cancelled"):
                raise Refused(f"Fulfillment order {task_id} has an unfulfillable status= {task['status']}.")
            lines = read_lines(tasks[0].get("fulfillment_order_line_items")) or order.list_unshipped()
            shipment = simulation.world.ship_order(order, lines, str(tracking.get("company") or "Other"), number)
        except Refused as reason:
            simulation.pushes.record("shopify", "fulfill", key, order.external_id, applied=False)
            return answer_json({"errors": [str(reason)]}, 422)
        simulation.pushes.record("shopify", "fulfill", key, order.external_id, applied=True)
        return answer_json({"fulfillment": write_shipment(order, shipment)}, 201)


def read_lines(wishes: Any) -> dict[int, int]:
    """Quantity by line item; empty when the body names none, which means all that is left. Raises Refused."""
    try:
        return {int(one["id"]) // 10: int(one["quantity"]) for one in wishes or []}
    except (TypeError, KeyError, ValueError):
        raise Refused("Fulfillment order line items are invalid") from None
