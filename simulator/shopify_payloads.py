"""How Shopify writes an order, a shipment and a refund, in its API and in its webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from simulator.catalogue import CENT, Order, Refund, Shipment
from simulator.orders import Change

ZONE = timezone(timedelta(hours=-5))  # shops write times in their own zone
TOPICS = {
    "authorized": "orders/updated",
    "paid": "orders/paid",
    "partially_fulfilled": "orders/partially_fulfilled",
    "fulfilled": "orders/fulfilled",
    "cancelled": "orders/cancelled",
}


def write_time(time: datetime | None) -> str | None:
    return time.astimezone(ZONE).isoformat(timespec="seconds") if time else None


def write_order(order: Order) -> dict[str, Any]:
    address = write_address(order)
    lines = [write_line(order, line.id, line.quantity) for line in order.lines]
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "name": order.number,
        "order_number": 1000 + order.serial,
        "number": order.serial,
        "created_at": write_time(order.created_at),
        "processed_at": write_time(order.created_at),
        "updated_at": write_time(order.updated_at),
        "cancelled_at": write_time(order.cancelled_at),
        "cancel_reason": "customer" if order.cancelled_at else None,
        "closed_at": None,
        "confirmed": True,
        "test": False,
        "currency": order.currency,
        "email": order.email,
        "phone": None,
        "financial_status": tell_financial_status(order),
        "fulfillment_status": tell_fulfillment_status(order),
        "taxes_included": False,
        "total_line_items_price": str(order.subtotal + order.discount),
        "total_discounts": str(order.discount),
        "subtotal_price": str(order.subtotal),
        "total_tax": str(order.tax),
        "total_price": str(order.total),
        "total_shipping_price_set": {"shop_money": {"amount": str(order.shipping), "currency_code": order.currency}},
        "discount_codes": [{"code": "LESS", "amount": str(order.discount), "type": "fixed_amount"}]
        if order.discount
        else [],
        "note": None,
        "source_name": "web",
        "tags": "",
        "customer": {
            "id": order.id + 7,
            "email": order.email,
            "first_name": order.name[0],
            "last_name": order.name[1],
            "phone": None,
        },
        "billing_address": address,
        "shipping_address": address,
        "line_items": lines,
        "shipping_lines": [
            {"id": order.id * 100 + 40, "title": "Standard", "price": str(order.shipping), "tax_lines": []}
        ],
        "fulfillments": [write_shipment(order, shipment) for shipment in order.shipments],
        "refunds": [write_refund(order, refund) for refund in order.refunds],
    }


def tell_financial_status(order: Order) -> str:
    if order.refunds:
        return "refunded" if order.money_back == order.total else "partially_refunded"
    if order.status == "failed":
        return "voided"
    if order.paid_at:
        return "paid"
    return "authorized" if order.status == "authorized" else "pending"


def tell_fulfillment_status(order: Order) -> str | None:
    if not order.shipments:
        return None
    return "partial" if order.list_unshipped() else "fulfilled"


def write_address(order: Order) -> dict[str, Any]:
    first, last = order.name
    return {"first_name": first, "last_name": last, "name": f"{first} {last}", "company": None,
            "address1": f"{order.serial} Canal Row", "address2": "", "city": "Louisville", "province": "Kentucky",
            "province_code": "KY", "zip": "40202", "country": "United States", "country_code": order.country,
            "phone": None}  # fmt: skip


def write_line(order: Order, line_id: int, quantity: int) -> dict[str, Any]:
    line = next(line for line in order.lines if line.id == line_id)
    return {
        "id": line.id,
        "sku": line.sku,
        "title": line.name,
        "name": line.name,
        "quantity": quantity,
        "price": str(line.unit_price),
        "total_discount": "0.00",
        "discount_allocations": [{"amount": str(line.discount)}] if line.discount else [],
        "fulfillable_quantity": line.quantity - line.shipped,
        "requires_shipping": True,
        "tax_lines": [{"title": "State Tax", "price": str(line.tax), "rate": 0.1}],
    }


def write_shipment(order: Order, shipment: Shipment) -> dict[str, Any]:
    url = f"https://tracking.example.com/{shipment.tracking}"
    return {
        "id": shipment.id,
        "order_id": order.id,
        "status": "success",
        "created_at": write_time(shipment.at),
        "updated_at": write_time(shipment.at),
        "service": "manual",
        "tracking_company": shipment.carrier,
        "tracking_number": shipment.tracking,
        "tracking_numbers": [shipment.tracking],
        "tracking_url": url,
        "tracking_urls": [url],
        "line_items": [write_line(order, line_id, quantity) for line_id, quantity in shipment.lines.items()],
    }


def write_refund(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "order_id": order.id,
        "created_at": write_time(refund.at),
        "processed_at": write_time(refund.at),
        "note": "returned",
        "refund_line_items": [
            {"id": refund.id * 10 + place, "line_item_id": line_id, "quantity": quantity}
            for place, (line_id, quantity) in enumerate(refund.lines.items())
        ],
        "transactions": [
            {"id": refund.id, "order_id": order.id, "amount": str(refund.amount.quantize(CENT)), "kind": "refund",
             "status": "success", "currency": order.currency}
        ],
    }  # fmt: skip


def list_events(order: Order, change: Change) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The order under the topic of what it became, and the new shipment or refund under its own."""
    whole = write_order(order)
    if change.created:
        yield "orders/create", whole
        return
    if change.shipment:
        yield "fulfillments/create", write_shipment(order, change.shipment)
    if change.refund:
        yield "refunds/create", write_refund(order, change.refund)
    yield TOPICS.get(order.status, "orders/updated"), whole


PRIVACY_TOPICS = {
    "data_request": "customers/data_request",
    "redact_customer": "customers/redact",
    "redact_shop": "shop/redact",
}


def write_privacy_request(kind: str, order: Order | None) -> dict[str, Any]:
    """The body of a privacy webhook about the customer of an order, or about the shop."""
    shop = {"shop_id": 1, "shop_domain": "simulated.myshopify.com"}
    if order is None:
        return shop
    customer = {"id": order.id + 7, "email": order.email, "phone": None}
    if kind == "redact_customer":
        return {**shop, "customer": customer, "orders_to_redact": [order.id]}
    return {**shop, "customer": customer, "orders_requested": [order.id], "data_request": {"id": order.id + 8}}
