"""The control API: make orders, let them live, misbehave, and ask what is true. Every route needs the token."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from simulator import amazon
from simulator.catalogue import CHANNEL_NAMES, Order
from simulator.misbehaviour import CLOCK, KINDS, LARGEST_CLOCK_ERROR_S, LONGEST_S, WEBHOOK_OPERATION
from simulator.shopify_payloads import PRIVACY_TOPICS, write_privacy_request
from simulator.simulation import Simulation, answer_json, is_same, read_object

MOST_ORDERS = 10_000  # in one request
OPERATIONS = {
    "shopify": {"list_orders", "get_order", "list_fulfillments", "list_fulfillment_orders", "fulfill", "cancel"},
    "woocommerce": {"list_orders", "get_order", "update"},
    "amazon": {"token", "list_orders", "get_order", "list_items", "confirm_shipment"},
    "standard": {"inbound"},
}


class Wrong(Exception):
    """The request does not fit; the text says what would."""


def read_choice(body: dict[str, Any], name: str, choices: Any, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise Wrong(f"{name} must be one of: {', '.join(sorted(choices))}")
    return value


def read_number(body: dict[str, Any], name: str, low: float, high: float, default: float | None) -> float | None:
    value = body.get(name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Wrong(f"{name} must be a number between {low:g} and {high:g}")
    return value


def need_whole(body: dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    value: object = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Wrong(f"{name} must be a whole number between {low} and {high}")
    return value


def describe_order(order: Order) -> dict[str, Any]:
    """What is true of an order. `total` is null while Amazon does not tell it."""
    tells_total = order.channel != "amazon" or amazon.has_prices(order)
    return {
        "channel": order.channel,
        "external_id": order.external_id,
        "number": order.number,
        "version": order.updated_at.isoformat(),
        "channel_status": order.status,
        "total": str(order.total) if tells_total else None,
        "currency": order.currency,
        "changes": order.changes,
        "is_finished": not order.plan,
        "fulfillments": len(order.shipments),
        "refunds": len(order.refunds),
    }


def make_blueprint(simulation: Simulation) -> Blueprint:
    api = Blueprint("control", __name__, url_prefix="/control")
    world = simulation.world

    @api.before_request
    def check_token() -> Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_same(token, simulation.credentials.simulator_control_token):
            return answer_json({"error": "send the control token: Authorization: Bearer <token>"}, 401)
        return None

    @api.errorhandler(Wrong)
    def answer_wrong(error: Wrong) -> Response:
        return answer_json({"error": str(error)}, 400)

    @api.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> Response:
        return answer_json({"error": error.name}, error.code or 500)

    add_order_routes(api, simulation)
    add_misbehaviour_routes(api, simulation)
    add_webhook_routes(api, simulation)

    @api.get("/oracle")
    def tell_truth() -> Response:
        with world.lock:
            orders = [describe_order(order) for order in world.iterate_orders()]
        document = {"seed": world.seed, "orders": orders, "pushes": simulation.pushes.describe()}
        return answer_json({**document, "webhooks": simulation.webhooks.describe()})

    @api.post("/limits")
    def set_limits() -> Response:
        factor = read_number(read_object(request), "factor", 0.001, 1_000_000, 1.0)
        assert factor is not None
        simulation.set_speed(factor)
        return Response(status=204)

    @api.post("/tokens/expire")
    def expire_tokens() -> Response:
        simulation.expire_tokens()
        return Response(status=204)

    @api.post("/reset")
    def reset() -> Response:
        simulation.reset(need_whole(read_object(request), "seed", 0, 2**63 - 1, world.seed))
        return answer_json({"seed": world.seed})

    return api


def add_order_routes(api: Blueprint, simulation: Simulation) -> None:
    world = simulation.world

    @api.post("/orders")
    def make_orders() -> Response:
        body = read_object(request)
        channel = read_choice(body, "channel", CHANNEL_NAMES)
        count = need_whole(body, "count", 1, MOST_ORDERS, 1)
        steps = need_whole(body, "steps", 0, 10, 0)
        made = []
        for _ in range(count):
            order = world.make_order(next(name for name in CHANNEL_NAMES if name == channel))
            # As far along as another order of its age might be: by the order's own dice, not by the clock.
            for _ in range(Random(f"{world.seed}:{order.external_id}").randint(0, steps)):
                world.advance_order(order)
            made.append(order.external_id)
        return answer_json({"made": made}, 201)

    @api.post("/orders/advance")
    def advance_orders() -> Response:
        body = read_object(request)
        channel = read_choice(body, "channel", {*CHANNEL_NAMES, "*"}, "*")
        wanted = body.get("external_ids")
        if wanted is not None and not isinstance(wanted, list):
            raise Wrong("external_ids must be a list")
        chosen = None if wanted is None else {str(one) for one in wanted}
        changed = 0
        for _ in range(need_whole(body, "steps", 1, 10, 1)):
            with world.lock:
                orders = [
                    order
                    for order in world.iterate_orders()
                    if channel in ("*", order.channel) and (chosen is None or order.external_id in chosen)
                ]
            changed += sum(world.advance_order(order) for order in orders)
        with world.lock:
            left = sum(1 for order in world.iterate_orders() if order.plan)
        return answer_json({"changed": changed, "unfinished": left})


def add_misbehaviour_routes(api: Blueprint, simulation: Simulation) -> None:
    @api.post("/misbehave")
    def add_rule() -> Response:
        body = read_object(request)
        channel = read_choice(body, "channel", {*CHANNEL_NAMES, "*"})
        kind = read_choice(body, "kind", KINDS)
        known = set().union(*OPERATIONS.values()) if channel == "*" else OPERATIONS[channel]
        operation = read_choice(body, "operation", {*known, WEBHOOK_OPERATION, "*"}, "*")
        if kind == CLOCK and (operation != "*" or "rate" in body or "count" in body):
            raise Wrong("clock_off is of a whole channel, until it is taken back: leave out operation, rate and count")
        rate = read_number(body, "rate", 0, 1, 1.0)
        count = need_whole(body, "count", 1, 1_000_000, 1) if body.get("count") is not None else None
        reach = LARGEST_CLOCK_ERROR_S if kind == CLOCK else LONGEST_S
        seconds = read_number(body, "seconds", -reach if kind == CLOCK else 0, reach, None)
        assert rate is not None
        rule = simulation.misbehaviour.add(channel, kind, operation=operation, rate=rate, count=count, seconds=seconds)
        return answer_json({"id": rule.id, "seconds": rule.seconds}, 201)

    @api.get("/misbehave")
    def list_rules() -> Response:
        return answer_json({"rules": simulation.misbehaviour.describe()})

    @api.delete("/misbehave")
    def clear_rules() -> Response:
        simulation.misbehaviour.clear()
        return Response(status=204)

    @api.delete("/misbehave/<int:rule_id>")
    def clear_rule(rule_id: int) -> Response:
        simulation.misbehaviour.clear(rule_id)
        return Response(status=204)


def add_webhook_routes(api: Blueprint, simulation: Simulation) -> None:
    @api.get("/webhooks")
    def show_webhooks() -> Response:
        return answer_json(simulation.webhooks.describe())

    @api.post("/privacy")
    def send_privacy_request() -> Response:
        body = read_object(request)
        kind = read_choice(body, "kind", PRIVACY_TOPICS)
        order = None
        if kind != "redact_shop":
            order = simulation.world.find_order("shopify", str(body.get("external_id")))
            if order is None:
                raise Wrong("external_id must name an order of shopify")
        document = write_privacy_request(kind, order)
        simulation.webhooks.send("shopify", PRIVACY_TOPICS[kind], orjson.dumps(document))
        return answer_json({"sent": document}, 202)

    @api.post("/webhooks/enable")
    def enable_webhook() -> Response:
        simulation.webhooks.enable(read_choice(read_object(request), "channel", set(simulation.webhooks.channels)))
        return Response(status=204)

    @api.post("/webhooks/resend")
    def resend_webhooks() -> Response:
        # Only a Standard Webhooks sender keeps what it could not deliver; a shop's webhook is gone.
        read_choice(read_object(request), "channel", {"standard"} & set(simulation.webhooks.channels))
        return answer_json({"queued": simulation.webhooks.resend("standard")})
