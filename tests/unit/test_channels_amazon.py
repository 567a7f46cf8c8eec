"""Amazon's orders, field by field: the payloads of its API and what it leaves out."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels import CHANNELS
from app.channels.amazon.parse import CURRENCIES, STATUSES, TOPIC
from app.errors import PayloadError
from app.model import ChannelStatus, Customer, Order, ParsedDelivery
from tests.webhooks import read_payload, utc

ORDER: dict[str, Any] = json.loads(read_payload("amazon/getOrder.json"))["payload"]
ITEMS: list[dict[str, Any]] = json.loads(read_payload("amazon/getOrderItems.json"))["payload"]["OrderItems"]
USD = "USD"


def parse(order: dict[str, Any], items: list[Any]) -> Order:
    found = CHANNELS["amazon"].parse(TOPIC, json.dumps({"order": order, "items": items}))
    assert found.order
    assert (found.refunds, found.fulfillments) == ((), ())
    return found.order


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def money(amount: str, currency: str = USD) -> dict[str, str]:
    return {"Amount": amount, "CurrencyCode": currency}


def test_the_published_order() -> None:
    order = parse(ORDER, ITEMS)
    assert order.external_id == order.number == "902-1845936-5435065"
    assert order.channel_status == "paid"
    assert order.version == utc(1970, 1, 19, 3, 58, 32)
    assert order.placed_at == utc(1970, 1, 19, 3, 58, 30)
    assert (order.currency, order.total, order.subtotal) == ("USD", Decimal("11.01"), Decimal("10.00"))
    assert (order.tax_total, order.discount_total, order.shipping_total) == (Decimal("1.01"), Decimal("0.00"), None)
    assert not order.prices_include_tax
    assert (order.customer, order.billing_address, order.shipping_address, order.note) == (None, None, None, None)
    (item,) = order.items
    assert (item.external_id, item.sku) == ("05015851154158", "NABetaASINB00551Q3CS")
    assert (item.name, item.quantity, item.unit_price) == ("B00551Q3CS [Card Book]", Decimal(1), Decimal("10.00"))
    assert (item.discount, item.tax, item.total) == (Decimal("0.00"), Decimal("1.01"), Decimal("10.00"))


@pytest.mark.parametrize("place", [0, 1])
def test_the_published_list(place: int) -> None:
    listed = json.loads(read_payload("amazon/getOrders.json"))["payload"]["Orders"][place]
    order = parse(listed, ITEMS)
    assert order.external_id == ("902-1845936-5435065", "902-8745147-1934268")[place]
    assert (order.channel_status, order.total) == ("paid", Decimal("11.01"))


@pytest.mark.parametrize(("theirs", "ours"), [*STATUSES.items(), ("InventedInTheFuture", "pending")])
def test_statuses(theirs: str, ours: str) -> None:
    assert ours in get_args(ChannelStatus)
    assert parse(ORDER | {"OrderStatus": theirs}, ITEMS).channel_status == ours


def test_a_pending_order_has_no_price_yet() -> None:
    bare = without(ITEMS[0], "ItemPrice", "ItemTax", "PromotionDiscount")
    order = parse(without(ORDER, "OrderTotal") | {"OrderStatus": "Pending"}, [bare])
    assert (order.total, order.currency, order.subtotal) == (Decimal(0), "USD", None)
    assert (order.items[0].unit_price, order.items[0].total) == (Decimal(0), None)


def test_without_a_total_the_lines_are_added_up() -> None:
    line = ITEMS[0] | {
        "QuantityOrdered": 3,
        "ItemPrice": money("10.00", "SEK"),
        "ItemTax": None,
        "PromotionDiscount": money("1.50", "SEK"),
        "ShippingPrice": money("4.95", "SEK"),
        "ShippingDiscount": money("0.95", "SEK"),
        "ShippingTax": money("0.40", "SEK"),
    }
    order = parse(without(ORDER, "OrderTotal"), [line, line | {"OrderItemId": "2"}])
    assert (order.currency, order.total) == ("SEK", Decimal("25.00"))
    assert (order.subtotal, order.shipping_total) == (Decimal("17.00"), Decimal("9.90"))
    assert (order.discount_total, order.tax_total) == (Decimal("4.90"), Decimal("0.80"))
    (shipping,) = order.shipping_lines
    assert (shipping.title, shipping.amount, shipping.tax) == ("Std US D2D Dom", Decimal("9.90"), Decimal("0.80"))
    assert order.items[0].unit_price * 3 == pytest.approx(Decimal("10.00"))


def test_a_european_total_has_the_tax_within() -> None:
    assert parse(ORDER | {"OrderTotal": money("10.00", "EUR")}, ITEMS).prices_include_tax


def test_a_cancelled_line_has_no_quantity() -> None:
    order = parse(ORDER, [ITEMS[0] | {"QuantityOrdered": 0, "ItemPrice": money("0.00")}])
    assert (order.items[0].quantity, order.items[0].unit_price) == (Decimal(0), Decimal(0))


def test_buyer_and_address_when_the_role_allows_them() -> None:
    address = {
        "Name": "Grace Sample",
        "CompanyName": "Sample Ltd",
        "AddressLine1": "1 First St",
        "AddressLine2": "Floor 2",
        "AddressLine3": "Door 3",
        "City": "Seattle",
        "StateOrRegion": "WA",
        "PostalCode": "98121",
        "CountryCode": "US",
        "Phone": "+1 555 0100",
    }
    buyer = {"BuyerEmail": "a1b2@marketplace.example", "BuyerName": "Grace Sample"}
    order = parse(ORDER | {"ShippingAddress": address, "BuyerInfo": buyer}, ITEMS)
    assert order.customer == Customer(None, "Grace Sample", "a1b2@marketplace.example", None)
    found = order.shipping_address
    assert found
    assert (found.name, found.company, found.line1, found.line2) == (
        "Grace Sample",
        "Sample Ltd",
        "1 First St",
        "Floor 2, Door 3",
    )
    assert (found.city, found.region, found.postal_code, found.country) == ("Seattle", "WA", "98121", "US")
    assert found.phone == "+1 555 0100"


@pytest.mark.parametrize(
    ("order", "items", "sentence"),
    [
        (without(ORDER, "AmazonOrderId"), ITEMS, "AmazonOrderId is missing"),
        (without(ORDER, "LastUpdateDate"), ITEMS, "LastUpdateDate is missing"),
        (without(ORDER, "OrderStatus"), ITEMS, "OrderStatus is missing"),
        (ORDER | {"OrderTotal": money("eleven")}, ITEMS, "OrderTotal: Amount is not a decimal number"),
        (ORDER, [without(ITEMS[0], "OrderItemId")], r"items\[0\]: OrderItemId is missing"),
        (ORDER, ["x"], r"items\[0\]: is not an object"),
        (without(ORDER, "OrderTotal", "MarketplaceId"), [], "none whose currency is known"),
    ],
)
def test_what_is_missing_is_named(order: dict[str, Any], items: list[Any], sentence: str) -> None:
    with pytest.raises(PayloadError, match=sentence):
        parse(order, items)


def test_another_topic_is_left_alone() -> None:
    assert CHANNELS["amazon"].parse("order.somethingElse", "{}") == ParsedDelivery()


def test_currencies_are_currencies() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES.values())


@given(st.text(), st.dictionaries(st.sampled_from([*ORDER, "items", "order"]), st.from_type(type(None)) | st.text()))
def test_nothing_but_a_payload_error_comes_out(noise: str, fields: dict[str, Any]) -> None:
    for payload in (noise, json.dumps(fields), json.dumps({"order": ORDER | fields, "items": [ITEMS[0] | fields]})):
        with suppress(PayloadError):
            CHANNELS["amazon"].parse(TOPIC, payload)
