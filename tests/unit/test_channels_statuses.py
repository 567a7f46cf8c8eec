"""What payloads say beyond the published examples: states, refunds, discounts, topics that do not fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from app.channels import CHANNELS
from app.channels.shopify.parse import FINANCIAL, FULFILLMENT
from app.channels.standard.parse import STATUSES as STANDARD_STATUSES
from app.channels.woocommerce.parse import STATUSES as WOO_STATUSES
from app.errors import PayloadError
from app.model import ChannelStatus, Order, ParsedDelivery

PAYLOADS = Path(__file__).parents[1] / "payloads"
SHOPIFY = json.loads((PAYLOADS / "shopify/order.json").read_text())
SHOPIFY_REFUND = json.loads((PAYLOADS / "shopify/refund.json").read_text())
WOO = json.loads((PAYLOADS / "woocommerce/order.json").read_text())


def shopify(topic: str = "orders/updated", **changes: Any) -> Order:
    order = CHANNELS["shopify"].parse(topic, json.dumps(SHOPIFY | changes)).order
    assert order is not None
    return order


def woo(**changes: Any) -> ParsedDelivery:
    return CHANNELS["woocommerce"].parse("order.updated", json.dumps(WOO | changes))


def woo_order(**changes: Any) -> Order:
    order = woo(**changes).order
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("financial", "fulfillment", "cancelled_at", "status"),
    [
        ("pending", None, None, "pending"),
        ("authorized", None, None, "authorized"),
        ("partially_paid", None, None, "pending"),
        ("paid", None, None, "paid"),
        ("voided", None, None, "failed"),
        ("expired", None, None, "failed"),
        ("a status of 2031", None, None, "pending"),
        (None, None, None, "pending"),
        ("paid", "partial", None, "partially_fulfilled"),
        ("paid", "fulfilled", None, "fulfilled"),
        ("paid", "restocked", None, "paid"),
        ("pending", "fulfilled", None, "fulfilled"),
        ("partially_refunded", "fulfilled", None, "partially_refunded"),
        ("refunded", "fulfilled", None, "refunded"),
        ("paid", None, "2026-01-01T00:00:00Z", "cancelled"),
        ("refunded", "fulfilled", "2026-01-01T00:00:00Z", "cancelled"),
    ],
)
def test_shopify_status(
    financial: str | None, fulfillment: str | None, cancelled_at: str | None, status: ChannelStatus
) -> None:
    order = shopify(financial_status=financial, fulfillment_status=fulfillment, cancelled_at=cancelled_at)
    assert order.channel_status == status


@pytest.mark.parametrize("topic", ["orders/create", "orders/paid", "orders/cancelled", "orders/fulfilled"])
def test_shopify_topic_never_decides_the_status(topic: str) -> None:
    assert shopify(topic).channel_status == "authorized"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders/create", SHOPIFY_REFUND),
        ("refunds/create", SHOPIFY),
        ("fulfillments/create", SHOPIFY_REFUND),
        ("fulfillments/update", SHOPIFY),
        ("orders/create", SHOPIFY["fulfillments"][0]),
        ("refunds/create", SHOPIFY["fulfillments"][0]),
    ],
)
def test_shopify_topic_must_fit_the_body(topic: str, payload: dict[str, Any]) -> None:
    with pytest.raises(PayloadError, match="do not fit"):
        CHANNELS["shopify"].parse(topic, json.dumps(payload))


@pytest.mark.parametrize(
    ("channel", "topic", "payload"),
    [
        ("shopify", "products/update", {"id": 1}),
        ("shopify", "orders/delete", {"id": 450789469}),
        ("woocommerce", "order.deleted", {"id": 727}),
        ("woocommerce", "product.updated", {"id": 1}),
        ("woocommerce", "action.woocommerce_add_to_cart", {"id": 1}),
    ],
)
def test_topic_that_says_nothing_about_an_order_is_ignored(channel: str, topic: str, payload: dict[str, Any]) -> None:
    assert CHANNELS[channel].parse(topic, json.dumps(payload)) == ParsedDelivery()


def test_shopify_discounts_taxes_and_shipping_as_new_orders_write_them() -> None:
    line = SHOPIFY["line_items"][0] | {
        "quantity": 3,
        "price": "0.333333333333333333333",
        "total_discount": "0.00",
        "discount_allocations": [{"amount": "0.10"}, {"amount": "0.025"}],
        "tax_lines": [{"price": "0.05"}, {"price": "0.0125"}],
    }
    order = shopify(
        line_items=[line, line | {"discount_allocations": [], "total_discount": "0.20"}],
        total_shipping_price_set={"shop_money": {"amount": "7.50"}},
        shipping_lines=[{"title": " ", "price": "9.00", "tax_lines": [{"price": "0.70"}]}],
        taxes_included=True,
        processed_at="2008-01-09T23:00:00-05:00",
        updated_at="2008-01-11T00:00:00.123456+00:00",
    )
    first, second = order.items
    assert first.unit_price == Decimal("0.333333333333333333333")
    assert first.discount == Decimal("0.125")
    assert first.tax == Decimal("0.0625")
    assert first.total == Decimal("0.874999999999999999999")
    assert (second.discount, second.total) == (Decimal("0.20"), Decimal("0.799999999999999999999"))
    assert order.shipping_total == Decimal("7.50")
    (shipping,) = order.shipping_lines
    assert (shipping.title, shipping.amount, shipping.tax) == (None, Decimal("9.00"), Decimal("0.70"))
    assert order.prices_include_tax is True
    assert order.placed_at == datetime(2008, 1, 10, 4, tzinfo=UTC)
    assert order.version == datetime(2008, 1, 11, 0, 0, 0, 123456, tzinfo=UTC)


def test_shopify_order_of_a_guest() -> None:
    order = shopify(customer=None, email="guest@example.com", phone=None)
    assert order.customer is not None
    assert (order.customer.external_id, order.customer.email) == (None, "guest@example.com")
    assert shopify(customer=None, email="", phone=None).customer is None
    assert shopify(billing_address=None).billing_address is None


def refund_of(transactions: list[dict[str, Any]]) -> tuple[Decimal, str | None]:
    payload = SHOPIFY_REFUND | {"transactions": transactions}
    (refund,) = CHANNELS["shopify"].parse("refunds/create", json.dumps(payload)).refunds
    return refund.amount, refund.currency


def test_shopify_refund_counts_what_was_paid_back() -> None:
    paid = {"kind": "refund", "status": "success", "amount": "10.10", "currency": "EUR"}
    pending, failed = paid | {"status": "pending"}, paid | {"status": "failure"}
    voided = paid | {"kind": "void"}
    assert refund_of([paid, pending, paid | {"amount": "0.05"}, failed, voided]) == (Decimal("10.15"), "EUR")
    assert refund_of([pending]) == (Decimal("0"), None)
    assert refund_of([]) == (Decimal("0"), None)
    with pytest.raises(PayloadError, match="more than one currency"):
        refund_of([paid, paid | {"currency": "USD"}])


def test_shopify_refunds_inside_an_order() -> None:
    restocked = SHOPIFY_REFUND | {"transactions": [], "note": "", "processed_at": "2020-01-01T00:00:00Z"}
    payload = json.dumps(SHOPIFY | {"refunds": [SHOPIFY_REFUND, restocked]})
    first, second = CHANNELS["shopify"].parse("orders/updated", payload).refunds
    assert (first.amount, first.order_external_id) == (Decimal("209.00"), "450789469")
    assert (second.amount, second.currency, second.reason) == (Decimal("0"), "USD", None)
    assert second.refunded_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_shopify_fulfilment_of_the_older_form() -> None:
    payload = SHOPIFY["fulfillments"][0] | {"tracking_numbers": [], "tracking_urls": None, "status": None}
    (fulfillment,) = CHANNELS["shopify"].parse("fulfillments/create", json.dumps(payload)).fulfillments
    assert fulfillment.tracking_numbers == ("1Z2345",)
    assert fulfillment.tracking_urls[0].startswith("http://wwwapps.ups.com/")
    assert fulfillment.status == "unknown"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", "pending"),
        ("on-hold", "pending"),
        ("checkout-draft", "pending"),
        ("failed", "failed"),
        ("processing", "paid"),
        ("wc-processing", "paid"),
        ("completed", "fulfilled"),
        ("refunded", "refunded"),
        ("cancelled", "cancelled"),
        ("trash", "cancelled"),
    ],
)
def test_woocommerce_status(status: str, expected: ChannelStatus) -> None:
    assert woo_order(status=status).channel_status == expected


def test_woocommerce_status_of_a_plugin_keeps_the_order() -> None:
    assert woo_order(status="packing", date_paid_gmt="2026-01-01T00:00:00").channel_status == "paid"
    assert woo_order(status="packing", date_paid_gmt=None).channel_status == "pending"


def test_woocommerce_refunds_show_in_the_status() -> None:
    some = [{"id": 9, "reason": "Too small", "total": "-10.005"}]
    parsed = woo(refunds=some)
    assert parsed.order is not None
    assert parsed.order.channel_status == "partially_refunded"
    (refund,) = parsed.refunds
    assert (refund.external_id, refund.amount, refund.reason) == ("9", Decimal("10.005"), "Too small")
    assert woo_order(refunds=some, status="refunded").channel_status == "refunded"
    assert woo_order(refunds=some, status="cancelled").channel_status == "cancelled"
    assert woo_order(refunds=[{"id": 9, "total": "0.00"}]).channel_status == "paid"


def test_woocommerce_unit_price_keeps_its_digits() -> None:
    payload = json.dumps(WOO | {"line_items": [WOO["line_items"][0] | {"price": "PRICE"}]})
    order = CHANNELS["woocommerce"].parse("order.updated", payload.replace('"PRICE"', "3.333333333333333333")).order
    assert order is not None
    assert order.items[0].unit_price == Decimal("3.333333333333333333")


def test_woocommerce_unit_price_without_one() -> None:
    line = {key: value for key, value in WOO["line_items"][0].items() if key != "price"}
    assert woo_order(line_items=[line | {"total": "5.00"}]).items[0].unit_price == Decimal("2.50")
    assert woo_order(line_items=[line | {"quantity": 0}]).items[0].unit_price == Decimal("0")
    with pytest.raises(PayloadError, match=r"line_items\[0\]: price and total are missing"):
        woo_order(line_items=[line | {"total": ""}])


def test_woocommerce_coupons_and_line_discounts() -> None:
    order = woo_order(
        coupon_lines=[{"id": 1, "code": "ten", "discount": "1.234567", "discount_tax": "0"}],
        line_items=[WOO["line_items"][0] | {"subtotal": "6.00", "total": "4.765433"}],
    )
    (discount,) = order.discounts
    assert (discount.code, discount.amount) == ("ten", Decimal("1.234567"))
    assert order.items[0].discount == Decimal("1.234567")
    assert order.subtotal == Decimal("4.765433")


def test_woocommerce_blank_address_and_times() -> None:
    blank = dict.fromkeys(WOO["shipping"], "")
    assert woo_order(shipping=blank).shipping_address is None
    assert woo_order(shipping=[]).shipping_address is None
    never_changed = woo_order(date_modified_gmt=None)
    assert never_changed.version == never_changed.placed_at == datetime(2017, 3, 22, 19, 28, 2, tzinfo=UTC)
    with pytest.raises(PayloadError, match="date_created_gmt"):
        woo_order(date_modified_gmt=None, date_created_gmt=None)


def test_woocommerce_titles_are_plain_text() -> None:
    line = WOO["line_items"][0] | {"name": "Fish &amp; chips &#8211; &quot;large&quot;"}
    assert woo_order(line_items=[line]).items[0].name == 'Fish & chips – "large"'


def test_status_tables_lead_to_channel_statuses() -> None:
    known = set(get_args(ChannelStatus))
    for table in (FINANCIAL, FULFILLMENT, WOO_STATUSES, STANDARD_STATUSES):
        assert set(table.values()) <= known - {"unknown"}
