"""What Shopify's webhooks and lists say: orders, refunds and fulfilments of the REST Admin API.

The topic, a header, is not signed: it may choose how a body is read, and must fit it; what state an order is in
comes from the body alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from app.channels import reading
from app.channels.shopify import privacy
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
    Refund,
    ShippingLine,
)

Shape = Literal["order", "refund", "fulfillment"]

# Topics that are read; every other one is recorded as ignored. orders/delete carries an id and no time: there
# is no telling whether it is newer than what is stored.
SHAPES: dict[str, Shape] = {
    "orders/create": "order",
    "orders/updated": "order",
    "orders/paid": "order",
    "orders/partially_fulfilled": "order",
    "orders/fulfilled": "order",
    "orders/cancelled": "order",
    "refunds/create": "refund",
    "fulfillments/create": "fulfillment",
    "fulfillments/update": "fulfillment",
}
TOPICS: dict[Shape, str] = {
    "order": "orders/create",
    "refund": "refunds/create",
    "fulfillment": "fulfillments/create",
}

# What the money says, while nothing is shipped. Partly paid is not paid: nothing leaves the house for it yet.
FINANCIAL: dict[str, ChannelStatus] = {
    "pending": "pending",
    "partially_paid": "pending",
    "authorized": "authorized",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "failed",
    "expired": "failed",
}
FULFILLMENT: dict[str, ChannelStatus] = {"partial": "partially_fulfilled", "fulfilled": "fulfilled"}


def parse(topic: str, payload: str) -> ParsedDelivery:
    if topic in privacy.KINDS:
        return ParsedDelivery(privacy=privacy.read_request(topic, reading.decode(payload)))
    shape = SHAPES.get(topic)
    if shape is None:
        return ParsedDelivery()
    document = reading.decode(payload)
    if tell_shape(document) != shape:
        raise PayloadError("the topic and the body do not fit each other")
    if shape == "order":
        return _read_whole_order(document)
    order_id = reading.need_id(document, "order_id")
    if shape == "refund":
        return ParsedDelivery(refunds=(read_refund(document, order_id, None),))
    return ParsedDelivery(fulfillments=(read_fulfillment(document, order_id),))


def _read_whole_order(document: reading.Record) -> ParsedDelivery:
    order = read_order(document)
    return ParsedDelivery(
        order,
        reading.read_each(document, "refunds", lambda one: read_refund(one, order.external_id, order.currency)),
        reading.read_each(document, "fulfillments", lambda one: read_fulfillment(one, order.external_id)),
    )


def tell_shape(document: reading.Record) -> Shape:
    """What a body is by its own account: only refunds and fulfilments belong to another order."""
    if "order_id" not in document:
        return "order"
    return "refund" if "refund_line_items" in document else "fulfillment"


def tell_status(document: reading.Record) -> ChannelStatus:
    """Cancelled, then money that went back, then what was shipped, then what was paid.

    A financial status that Shopify may add some day counts as pending: the order is kept and seen.
    """
    if reading.read_time(document, "cancelled_at"):
        return "cancelled"
    financial = FINANCIAL.get(reading.read_text(document, "financial_status") or "pending", "pending")
    if financial in ("refunded", "partially_refunded"):
        return financial
    return FULFILLMENT.get(reading.read_text(document, "fulfillment_status") or "", financial)


def read_order(document: reading.Record) -> Order:
    external_id = reading.need_id(document, "id")
    created = reading.need_time(document, "created_at")
    shipping_lines = reading.read_each(document, "shipping_lines", read_shipping_line)
    return Order(
        external_id=external_id,
        number=reading.read_text(document, "name") or reading.read_id(document, "order_number") or external_id,
        channel_status=tell_status(document),
        version=reading.read_time(document, "updated_at") or created,
        placed_at=reading.read_time(document, "processed_at") or created,
        currency=reading.need_text(document, "currency"),
        subtotal=reading.read_decimal(document, "subtotal_price"),
        discount_total=reading.read_decimal(document, "total_discounts"),
        shipping_total=_read_shipping_total(document, shipping_lines),
        tax_total=reading.read_decimal(document, "total_tax"),
        total=reading.need_decimal(document, "total_price"),
        prices_include_tax=reading.read_flag(document, "taxes_included"),
        customer=read_customer(document),
        billing_address=read_address(reading.read_record(document, "billing_address")),
        shipping_address=read_address(reading.read_record(document, "shipping_address")),
        note=reading.read_text(document, "note"),
        items=reading.read_each(document, "line_items", read_item),
        discounts=reading.read_each(document, "discount_codes", read_discount),
        shipping_lines=shipping_lines,
    )


def _read_shipping_total(document: reading.Record, lines: tuple[ShippingLine, ...]) -> Decimal | None:
    money = reading.read_record(reading.read_record(document, "total_shipping_price_set"), "shop_money")
    total = reading.read_decimal(money, "amount")
    return reading.add_exactly(line.amount for line in lines) if total is None else total


def read_customer(document: reading.Record) -> Customer | None:
    record = reading.read_record(document, "customer")
    customer = Customer(
        external_id=reading.read_id(record, "id"),
        name=reading.read_full_name(record),
        email=reading.read_text(record, "email") or reading.read_text(document, "email"),
        phone=reading.read_text(record, "phone") or reading.read_text(document, "phone"),
    )
    return None if customer == Customer(None, None, None, None) else customer


def read_address(record: reading.Record) -> Address | None:
    if not record:
        return None
    return Address(
        name=reading.read_text(record, "name") or reading.read_full_name(record),
        company=reading.read_text(record, "company"),
        line1=reading.read_text(record, "address1"),
        line2=reading.read_text(record, "address2"),
        city=reading.read_text(record, "city"),
        region=reading.read_text(record, "province_code") or reading.read_text(record, "province"),
        postal_code=reading.read_text(record, "zip"),
        country=reading.read_text(record, "country_code") or reading.read_text(record, "country"),
        phone=reading.read_text(record, "phone"),
    )


def read_item(record: reading.Record) -> OrderItem:
    """One line. Shopify writes no line total: it is price times quantity less the line's discount."""
    external_id = reading.need_id(record, "id")
    quantity = reading.need_decimal(record, "quantity")
    unit_price = reading.need_decimal(record, "price")
    discount = reading.add_each(record, "discount_allocations", "amount")
    if discount is None:
        discount = reading.read_decimal(record, "total_discount")
    gross = reading.EXACT.multiply(unit_price, quantity)
    sku = reading.read_text(record, "sku")
    return OrderItem(
        external_id=external_id,
        sku=sku,
        name=reading.read_text(record, "name") or reading.read_text(record, "title") or sku or external_id,
        quantity=quantity,
        unit_price=unit_price,
        discount=discount,
        tax=reading.add_each(record, "tax_lines", "price"),
        total=gross if discount is None else reading.EXACT.subtract(gross, discount),
    )


def read_discount(record: reading.Record) -> Discount:
    return Discount(reading.read_text(record, "code"), reading.need_decimal(record, "amount"))


def read_shipping_line(record: reading.Record) -> ShippingLine:
    return ShippingLine(
        title=reading.read_text(record, "title"),
        amount=reading.need_decimal(record, "price"),
        tax=reading.add_each(record, "tax_lines", "price"),
    )


def read_refund(record: reading.Record, order_external_id: str, currency: str | None) -> Refund:
    """One refund: what its successful transactions paid back. `currency` is for a refund without one."""
    paid = [one for one in reading.read_each(record, "transactions", _read_transaction) if one]
    currencies = {paid_in for _, paid_in in paid if paid_in}
    if len(currencies) > 1:
        raise PayloadError("transactions are in more than one currency")
    return Refund(
        external_id=reading.need_id(record, "id"),
        order_external_id=order_external_id,
        amount=reading.add_exactly(amount for amount, _ in paid) or Decimal(0),
        currency=currencies.pop() if currencies else currency,
        reason=reading.read_text(record, "note"),
        refunded_at=reading.read_time(record, "processed_at") or reading.read_time(record, "created_at"),
        lines=reading.read_each(record, "refund_line_items", lambda one: _read_line(one, "line_item_id")),
    )


def _read_transaction(record: reading.Record) -> tuple[Decimal, str | None] | None:
    """Amount and currency of a refund that went through; None for any other transaction."""
    if (reading.read_text(record, "kind"), reading.read_text(record, "status")) != ("refund", "success"):
        return None
    return reading.need_decimal(record, "amount"), reading.read_text(record, "currency")


def read_fulfillment(record: reading.Record, order_external_id: str) -> Fulfillment:
    numbers, urls = (
        reading.read_texts(record, "tracking_numbers"),
        reading.read_texts(record, "tracking_urls"),
    )
    number, url = reading.read_text(record, "tracking_number"), reading.read_text(record, "tracking_url")
    return Fulfillment(
        external_id=reading.need_id(record, "id"),
        order_external_id=order_external_id,
        status=reading.read_text(record, "status") or "unknown",
        carrier=reading.read_text(record, "tracking_company"),
        tracking_numbers=numbers or ((number,) if number else ()),
        tracking_urls=urls or ((url,) if url else ()),
        version=reading.read_time(record, "updated_at") or reading.need_time(record, "created_at"),
        lines=reading.read_each(record, "line_items", lambda one: _read_line(one, "id")),
    )


def _read_line(record: reading.Record, item_field: str) -> LineQuantity:
    return LineQuantity(reading.need_id(record, item_field), reading.need_decimal(record, "quantity"))
