"""Standard Webhooks (https://www.standardwebhooks.com) with our own payload, for any shop that can learn it.

The payload is `{"type", "timestamp", "data"}`, where `data` is the canonical order, refund or fulfilment of
app/model.py in JSON; docs/channels.md has it in full.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, get_args

from app.channels import reading, signing
from app.channels.base import Delivery, Headers
from app.errors import BadSignature, ConfigError, PayloadError
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
    Refund,
    ShippingLine,
)

TOLERANCE_S = 300  # the specification's reference libraries allow five minutes either way

ORDER_TYPES = frozenset(
    f"order.{event}" for event in ("created", "updated", "paid", "fulfilled", "refunded", "cancelled")
)
REFUND_TYPES = frozenset({"refund.created", "refund.updated"})
FULFILLMENT_TYPES = frozenset({"fulfillment.created", "fulfillment.updated"})

# "unknown" is ours, for an order that is known only from its refunds or fulfilments.
STATUSES: dict[str, ChannelStatus] = {status: status for status in get_args(ChannelStatus) if status != "unknown"}

_SECONDS = re.compile(r"[0-9]{1,12}")


@lru_cache(maxsize=32)
def decode_secret(secret: str) -> bytes:
    """The key in `whsec_<base64>`. Raises ConfigError."""
    text = secret.removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigError(
            "A secret of the channel standard is not whsec_ and base64. "
            'Make one with: echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


class Standard:
    name: str = "standard"
    content_types: tuple[str, ...] = ("application/json",)

    def is_ping(self, headers: Headers, body: bytes) -> bool:
        """Never: the specification has no connection test."""
        return False

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> Delivery:
        webhook_id = headers.get("webhook-id") or ""
        timestamp = headers.get("webhook-timestamp") or ""
        if not webhook_id or not _SECONDS.fullmatch(timestamp):
            raise BadSignature("The header webhook-id or webhook-timestamp is missing or not well-formed.")
        if abs(now - int(timestamp)) > TOLERANCE_S:
            raise BadSignature(f"The header webhook-timestamp is more than {TOLERANCE_S} s away from our clock.")
        versions = (value.partition(",") for value in (headers.get("webhook-signature") or "").split(" "))
        given = [signature for version, _, signature in versions if version == "v1"]
        keys = [decode_secret(secret) for secret in secrets]
        signing.check_signature(given, _signed_content(webhook_id, timestamp, body), keys)
        signing.check_label(webhook_id, "The header webhook-id")
        return Delivery(webhook_id, _read_type(signing.load_object(body)))

    def sign(self, body: bytes, secret: str, topic: str, delivery_id: str, now: float) -> Mapping[str, str]:
        """As the protocol says; `topic` has no header here, it is the payload's own `type`."""
        timestamp = str(int(now))
        content = _signed_content(delivery_id, timestamp, body)
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signing.sign_bytes(content, decode_secret(secret)).decode()}",
        }

    def choose_topic(self, body: bytes) -> str:
        return _read_type(signing.load_object(body))

    def renumber(self, body: bytes, number: int) -> bytes:
        def change(document: dict[str, Any]) -> None:
            data = document.get("data")
            if not isinstance(data, dict):
                raise PayloadError("data is not an object")
            data["external_id"] = str(number)
            if "order_external_id" in data:
                data["order_external_id"] = str(number)
            else:
                data["number"] = str(number)

        return reading.rewrite(body, change)

    def parse(self, topic: str, payload: str) -> ParsedDelivery:
        """As the protocol says; the payload's own `type` counts, it is what was signed."""
        document = reading.decode(payload)
        kind = reading.need_text(document, "type")
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


def _signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + body


def _read_type(document: dict[str, Any]) -> str:
    """The payload's `type` for the record of the delivery; a payload without one fails later, and is kept."""
    kind = document.get("type")
    return signing.check_label(kind, "The type of the payload") if isinstance(kind, str) else "untyped"


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
