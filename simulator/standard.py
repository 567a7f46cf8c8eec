"""A shop of our own making that speaks Standard Webhooks: it sends orders and takes what we push, nothing to poll."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from app.channels import WEBHOOKS
from app.errors import BadSignature, Malformed
from simulator.catalogue import Line, Order
from simulator.orders import Change
from simulator.simulation import Simulation, answer_json

TYPES = {status: f"order.{status}" for status in ("paid", "fulfilled", "refunded", "cancelled")}


def answer_failure(status: int, retry_after_s: float | None = None) -> Response:
    headers = {"Retry-After": f"{retry_after_s or 2:.0f}"} if status == 429 else {}
    return answer_json({"error": f"simulated {status}"}, status, headers)


def write_time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_order(order: Order) -> dict[str, Any]:
    """The canonical order of docs/channels.md."""
    name = " ".join(order.name)
    address = {"name": name, "line1": f"{order.serial} Canal Row", "city": "Leeds", "postal_code": "LS1 4AP",
               "country": order.country}  # fmt: skip
    return {
        "external_id": order.external_id,
        "number": order.number,
        "channel_status": order.status,
        "version": write_time(order.updated_at),
        "placed_at": write_time(order.created_at),
        "currency": order.currency,
        "subtotal": str(order.subtotal),
        "discount_total": str(order.discount),
        "shipping_total": str(order.shipping),
        "tax_total": str(order.tax),
        "total": str(order.total),
        "prices_include_tax": False,
        "customer": {"external_id": f"C-{order.serial}", "name": name, "email": order.email, "phone": None},
        "billing_address": address,
        "shipping_address": address,
        "note": None,
        "items": [write_line(line) for line in order.lines],
        "discounts": [{"code": "LESS", "amount": str(order.discount)}] if order.discount else [],
        "shipping_lines": [{"title": "Courier", "amount": str(order.shipping), "tax": "0.00"}],
        "refunds": [
            {
                "external_id": str(refund.id),
                "amount": str(refund.amount),
                "currency": order.currency,
                "reason": "returned",
                "refunded_at": write_time(refund.at),
                "lines": write_quantities(refund.lines),
            }
            for refund in order.refunds
        ],
        "fulfillments": [
            {
                "external_id": str(shipment.id),
                "status": "shipped",
                "carrier": shipment.carrier,
                "tracking_numbers": [shipment.tracking],
                "tracking_urls": [],
                "version": write_time(shipment.at),
                "lines": write_quantities(shipment.lines),
            }
            for shipment in order.shipments
        ],
    }


def write_line(line: Line) -> dict[str, Any]:
    return {
        "external_id": str(line.id),
        "sku": line.sku,
        "name": line.name,
        "quantity": str(line.quantity),
        "unit_price": str(line.unit_price),
        "discount": str(line.discount),
        "tax": str(line.tax),
        "total": str(line.total),
    }


def write_quantities(lines: Mapping[int, int]) -> list[dict[str, str]]:
    return [{"item_external_id": str(line), "quantity": str(quantity)} for line, quantity in lines.items()]


def list_events(order: Order, change: Change) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = "order.created" if change.created else TYPES.get(order.status, "order.updated")
    yield kind, {"type": kind, "timestamp": write_time(order.updated_at), "data": write_order(order)}


def make_blueprint(simulation: Simulation) -> Blueprint:
    """The receiver of our signed pushes; the name of the function is the operation that can be made to misbehave."""
    api = Blueprint("standard", __name__, url_prefix="/standard")
    channel = WEBHOOKS["standard"]

    @api.post("/inbound")
    def inbound() -> Response:
        """204; a push that came before is told so by its webhook-id and counted, never applied again."""
        body = request.get_data()
        now = simulation.read_time("standard").timestamp()
        try:
            secrets = [simulation.credentials.standard_push_secret]
            delivery = channel.verify(request.headers, body, secrets, now)
        except BadSignature as error:
            return answer_json({"error": error.detail}, 401)
        except Malformed as error:
            return answer_json({"error": error.detail}, 400)
        data = orjson.loads(body).get("data")
        order_id = str(data.get("order_external_id") or data.get("external_id") or "") if isinstance(data, dict) else ""
        if simulation.world.find_order("standard", order_id) is None:
            return answer_json({"error": "data.order_external_id names no order of this shop"}, 422)
        simulation.pushes.record("standard", "inbound", delivery.delivery_id, order_id)
        return Response(status=204)

    return api
