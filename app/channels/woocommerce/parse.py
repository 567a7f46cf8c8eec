"""What WooCommerce says: an order of its REST API v2/v3, with its refunds in it.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import unescape

from app.channels import reading
from app.errors import PayloadError
from app.model import (
    Address,
    ChannelStatus,
    Customer,
    Discount,
    Order,
    OrderItem,
    ParsedDelivery,
    Refund,
    ShippingLine,
)

# Topics that are read; every other one is recorded as ignored. order.deleted, sent when an order goes to the trash,
# carries an id and no time: there is no telling whether it is newer than what is stored, or than a restore.
TOPICS = frozenset({"order.created", "order.updated", "order.restored"})

STATUSES: dict[str, ChannelStatus] = {
    "checkout-draft": "pending",
    "pending": "pending",
    "on-hold": "pending",
    "failed": "failed",
    "processing": "paid",
    "completed": "fulfilled",
    "refunded": "refunded",
    "cancelled": "cancelled",
    "trash": "cancelled",
}


def parse(topic: str, payload: str) -> ParsedDelivery:
    if topic not in TOPICS:
        return ParsedDelivery()
    document = reading.decode(payload)
    external_id = reading.need_id(document, "id")
    currency = reading.need_text(document, "currency")
    refunds = reading.read_each(document, "refunds", lambda one: read_refund(one, external_id, currency))
    return ParsedDelivery(read_order(document, external_id, currency, refunds), refunds)


def tell_status(document: reading.Record, refunds: Sequence[Refund]) -> ChannelStatus:
    """The shop's status in our words.

    An order in a status that a plugin added ("shipped", "packing") is kept: as paid when it has a date of
    payment, as pending when not; what it means beyond that cannot be known. WooCommerce has no status for a
    part of the money gone back; the list of refunds tells.
    """
    status = STATUSES.get(reading.need_text(document, "status").removeprefix("wc-"))
    if status is None:
        status = "paid" if _read_utc(document, "date_paid_gmt") else "pending"
    if status in ("paid", "fulfilled") and any(refund.amount for refund in refunds):
        return "partially_refunded"
    return status


def _read_utc(document: reading.Record, field: str) -> datetime | None:
    return reading.read_time(document, field, zoneless_is_utc=True)


def read_order(document: reading.Record, external_id: str, currency: str, refunds: Sequence[Refund]) -> Order:
    """The order. Its subtotal, which WooCommerce does not write, is the sum of the lines' totals: after their
    discounts, before shipping, tax and fees, as with the other channels.
    """
    created = _read_utc(document, "date_created_gmt")
    version = _read_utc(document, "date_modified_gmt") or created
    if version is None:
        raise PayloadError("date_modified_gmt and date_created_gmt are missing")
    billing = reading.read_record(document, "billing")
    items = reading.read_each(document, "line_items", read_item)
    totals = [item.total for item in items if item.total is not None]
    return Order(
        external_id=external_id,
        number=reading.read_text(document, "number") or external_id,
        channel_status=tell_status(document, refunds),
        version=version,
        placed_at=created or version,
        currency=currency,
        subtotal=reading.add_exactly(totals) if len(totals) == len(items) else None,
        discount_total=reading.read_decimal(document, "discount_total"),
        shipping_total=reading.read_decimal(document, "shipping_total"),
        tax_total=reading.read_decimal(document, "total_tax"),
        total=reading.need_decimal(document, "total"),
        prices_include_tax=reading.read_flag(document, "prices_include_tax"),
        customer=read_customer(document, billing),
        billing_address=read_address(billing),
        shipping_address=read_address(reading.read_record(document, "shipping")),
        note=reading.read_text(document, "customer_note"),
        items=items,
        discounts=reading.read_each(document, "coupon_lines", read_coupon),
        shipping_lines=reading.read_each(document, "shipping_lines", read_shipping_line),
    )


def read_customer(document: reading.Record, billing: reading.Record) -> Customer | None:
    external_id = reading.read_id(document, "customer_id")
    customer = Customer(
        external_id=None if external_id == "0" else external_id,  # 0 is a guest
        name=reading.read_full_name(billing),
        email=reading.read_text(billing, "email"),
        phone=reading.read_text(billing, "phone"),
    )
    return None if customer == Customer(None, None, None, None) else customer


def read_address(record: reading.Record) -> Address | None:
    """None when every part is blank, which is how WooCommerce writes "no address"."""
    address = Address(
        name=reading.read_full_name(record),
        company=reading.read_text(record, "company"),
        line1=reading.read_text(record, "address_1"),
        line2=reading.read_text(record, "address_2"),
        city=reading.read_text(record, "city"),
        region=reading.read_text(record, "state"),
        postal_code=reading.read_text(record, "postcode"),
        country=reading.read_text(record, "country"),
        phone=reading.read_text(record, "phone"),
    )
    return None if address == Address(*[None] * 9) else address


def _read_title(record: reading.Record, field: str) -> str | None:
    """A title as WordPress writes it, with HTML entities, as plain text."""
    text = reading.read_text(record, field)
    try:
        return (unescape(text).strip() or None) if text else None
    except ValueError:  # an entity of thousands of digits
        return text


def read_item(record: reading.Record) -> OrderItem:
    """One line. WooCommerce's `price` is the unrounded line total, after discounts, by the quantity."""
    external_id = reading.need_id(record, "id")
    quantity = reading.need_decimal(record, "quantity")
    subtotal, total = reading.read_decimal(record, "subtotal"), reading.read_decimal(record, "total")
    unit_price = reading.read_decimal(record, "price")
    if unit_price is None:
        if total is None:
            raise PayloadError("price and total are missing")
        unit_price = total / quantity if quantity else Decimal(0)
    sku = reading.read_text(record, "sku")
    return OrderItem(
        external_id=external_id,
        sku=sku,
        name=_read_title(record, "name") or sku or external_id,
        quantity=quantity,
        unit_price=unit_price,
        discount=None if subtotal is None or total is None else reading.EXACT.subtract(subtotal, total),
        tax=reading.read_decimal(record, "total_tax"),
        total=total,
    )


def read_coupon(record: reading.Record) -> Discount:
    return Discount(reading.read_text(record, "code"), reading.need_decimal(record, "discount"))


def read_shipping_line(record: reading.Record) -> ShippingLine:
    return ShippingLine(
        title=_read_title(record, "method_title"),
        amount=reading.need_decimal(record, "total"),
        tax=reading.read_decimal(record, "total_tax"),
    )


def read_refund(record: reading.Record, order_external_id: str, currency: str) -> Refund:
    """A refund as an order lists it: a negative total, neither a time nor lines."""
    return Refund(
        external_id=reading.need_id(record, "id"),
        order_external_id=order_external_id,
        amount=reading.need_decimal(record, "total").copy_abs(),
        currency=currency,
        reason=reading.read_text(record, "reason"),
        refunded_at=None,
        lines=(),
    )
