"""Standard Webhooks (https://www.standardwebhooks.com) with our own payload, for any shop that can learn it.

The payload is `{"type", "timestamp", "data"}`, where `data` is the canonical order, refund or fulfilment of
app/model.py in JSON; docs/channels.md has it in full.
"""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from app.channels import reading
from app.errors import PayloadError
from app.model import (
    Address,
    ChannelStatus,
    Customer,
    Discount,
    Fulfillment,
    LineQuantity,
    Order,
    OrderItem,
    ParsedDelivery,
    PrivacyKind,
    PrivacyRequest,
    Refund,
    ShippingLine,
)

ORDER_TYPES = frozenset(
    f"order.{event}" for event in ("created", "updated", "paid", "fulfilled", "refunded", "cancelled")
)
REFUND_TYPES = frozenset({"refund.created", "refund.updated"})
FULFILLMENT_TYPES = frozenset({"fulfillment.created", "fulfillment.updated"})
PRIVACY_TYPES: dict[str, PrivacyKind] = {
    "customer.data_request": "data_request",
    "customer.redact": "redact_customer",
}

# "unknown" is ours, for an order that is known only from its refunds or fulfilments.
STATUSES: dict[str, ChannelStatus] = {status: status for status in get_args(ChannelStatus) if status != "unknown"}


def parse(topic: str, payload: str) -> ParsedDelivery:
    """As the protocol says; the payload's own `type` counts, it is what was signed."""
    document = reading.decode(payload)
    kind = reading.need_text(document, "type")
    if kind in PRIVACY_TYPES:
        return ParsedDelivery(privacy=read_privacy(reading.read_record(document, "data"), PRIVACY_TYPES[kind]))
    if kind not in ORDER_TYPES | REFUND_TYPES | FULFILLMENT_TYPES:
        return ParsedDelivery()
    data = reading.read_record(document, "data")
    if kind in REFUND_TYPES:
        order_id = reading.need_id(data, "order_external_id")
        return ParsedDelivery(refunds=(read_refund(data, order_id, None),))
    sent_at = reading.need_time(document, "timestamp")
    if kind in FULFILLMENT_TYPES:
        order_id = reading.need_id(data, "order_external_id")
        return ParsedDelivery(fulfillments=(read_fulfillment(data, order_id, sent_at),))
    order = read_order(data, sent_at)
    return ParsedDelivery(
        order,
        reading.read_each(data, "refunds", lambda one: read_refund(one, order.external_id, order.currency)),
        reading.read_each(data, "fulfillments", lambda one: read_fulfillment(one, order.external_id, sent_at)),
    )


def read_privacy(data: reading.Record, kind: PrivacyKind) -> PrivacyRequest:
    customer = reading.read_record(data, "customer")
    return reading.need_person(
        PrivacyRequest(
            kind,
            customer_external_id=reading.read_id(customer, "external_id"),
            email=reading.read_text(customer, "email"),
            order_external_ids=reading.read_ids(data, "order_external_ids"),
            reference=reading.read_id(data, "external_id"),
        )
    )


def read_order(data: reading.Record, sent_at: datetime) -> Order:
    external_id = reading.need_id(data, "external_id")
    status = STATUSES.get(reading.need_text(data, "channel_status"))
    if status is None:
        raise PayloadError(f"channel_status is none of: {', '.join(STATUSES)}")
    return Order(
        external_id=external_id,
        number=reading.read_text(data, "number") or external_id,
        channel_status=status,
        version=reading.read_time(data, "version") or sent_at,
        placed_at=reading.need_time(data, "placed_at"),
        currency=reading.need_text(data, "currency"),
        subtotal=reading.read_decimal(data, "subtotal"),
        discount_total=reading.read_decimal(data, "discount_total"),
        shipping_total=reading.read_decimal(data, "shipping_total"),
        tax_total=reading.read_decimal(data, "tax_total"),
        total=reading.need_decimal(data, "total"),
        prices_include_tax=reading.read_flag(data, "prices_include_tax"),
        customer=read_customer(reading.read_record(data, "customer")),
        billing_address=read_address(reading.read_record(data, "billing_address")),
        shipping_address=read_address(reading.read_record(data, "shipping_address")),
        note=reading.read_text(data, "note"),
        items=reading.read_each(data, "items", read_item),
        discounts=reading.read_each(
            data,
            "discounts",
            lambda one: Discount(reading.read_text(one, "code"), reading.need_decimal(one, "amount")),
        ),
        shipping_lines=reading.read_each(data, "shipping_lines", read_shipping_line),
    )


def read_customer(record: reading.Record) -> Customer | None:
    if not record:
        return None
    return Customer(
        external_id=reading.read_id(record, "external_id"),
        name=reading.read_text(record, "name"),
        email=reading.read_text(record, "email"),
        phone=reading.read_text(record, "phone"),
    )


def read_address(record: reading.Record) -> Address | None:
    if not record:
        return None
    return Address(
        name=reading.read_text(record, "name"),
        company=reading.read_text(record, "company"),
        line1=reading.read_text(record, "line1"),
        line2=reading.read_text(record, "line2"),
        city=reading.read_text(record, "city"),
        region=reading.read_text(record, "region"),
        postal_code=reading.read_text(record, "postal_code"),
        country=reading.read_text(record, "country"),
        phone=reading.read_text(record, "phone"),
    )


def read_item(record: reading.Record) -> OrderItem:
    return OrderItem(
        external_id=reading.need_id(record, "external_id"),
        sku=reading.read_text(record, "sku"),
        name=reading.need_text(record, "name"),
        quantity=reading.need_decimal(record, "quantity"),
        unit_price=reading.need_decimal(record, "unit_price"),
        discount=reading.read_decimal(record, "discount"),
        tax=reading.read_decimal(record, "tax"),
        total=reading.read_decimal(record, "total"),
    )


def read_shipping_line(record: reading.Record) -> ShippingLine:
    return ShippingLine(
        title=reading.read_text(record, "title"),
        amount=reading.need_decimal(record, "amount"),
        tax=reading.read_decimal(record, "tax"),
    )


def read_refund(record: reading.Record, order_external_id: str, currency: str | None) -> Refund:
    """One refund; `currency` is the order's, for a refund that names none."""
    return Refund(
        external_id=reading.need_id(record, "external_id"),
        order_external_id=order_external_id,
        amount=reading.need_decimal(record, "amount"),
        currency=reading.read_text(record, "currency") or currency,
        reason=reading.read_text(record, "reason"),
        refunded_at=reading.read_time(record, "refunded_at"),
        lines=reading.read_each(record, "lines", _read_line),
    )


def read_fulfillment(record: reading.Record, order_external_id: str, sent_at: datetime) -> Fulfillment:
    return Fulfillment(
        external_id=reading.need_id(record, "external_id"),
        order_external_id=order_external_id,
        status=reading.need_text(record, "status"),
        carrier=reading.read_text(record, "carrier"),
        tracking_numbers=reading.read_texts(record, "tracking_numbers"),
        tracking_urls=reading.read_texts(record, "tracking_urls"),
        version=reading.read_time(record, "version") or sent_at,
        lines=reading.read_each(record, "lines", _read_line),
    )


def _read_line(record: reading.Record) -> LineQuantity:
    return LineQuantity(reading.need_id(record, "item_external_id"), reading.need_decimal(record, "quantity"))
