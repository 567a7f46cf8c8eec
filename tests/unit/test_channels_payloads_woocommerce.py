"""Every WooCommerce payload in tests/payloads goes in signed and comes out right, field by field.

The expected values were read off the payloads by eye; nothing here computes them.
"""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from app.model import (
    Address,
    Customer,
    Order,
    OrderItem,
    ParsedDelivery,
    Refund,
    ShippingLine,
)
from tests.webhooks import read_payload, receive, utc


def market_street(phone: str | None) -> Address:
    return Address(
        name="John Doe",
        company=None,
        line1="969 Market",
        line2=None,
        city="San Francisco",
        region="CA",
        postal_code="94103",
        country="US",
        phone=phone,
    )


WOO_727 = ParsedDelivery(
    order=Order(
        external_id="727",
        number="727",
        channel_status="paid",
        version=utc(2017, 3, 22, 19, 28, 8),
        placed_at=utc(2017, 3, 22, 19, 28, 2),
        currency="USD",
        subtotal=Decimal("18.00"),
        discount_total=Decimal("0.00"),
        shipping_total=Decimal("10.00"),
        tax_total=Decimal("1.35"),
        total=Decimal("29.35"),
        prices_include_tax=False,
        customer=Customer(None, "John Doe", "john.doe@example.com", "(555) 555-5555"),
        billing_address=market_street("(555) 555-5555"),
        shipping_address=market_street(None),
        note=None,
        items=(
            OrderItem(
                external_id="315",
                sku=None,
                name="Woo Single #1",
                quantity=Decimal("2"),
                unit_price=Decimal("3"),
                discount=Decimal("0.00"),
                tax=Decimal("0.45"),
                total=Decimal("6.00"),
            ),
            OrderItem(
                external_id="316",
                sku="Bar3",
                name="Ship Your Idea \N{EN DASH} Color: Black, Size: M Test",
                quantity=Decimal("1"),
                unit_price=Decimal("12"),
                discount=Decimal("0.00"),
                tax=Decimal("0.90"),
                total=Decimal("12.00"),
            ),
        ),
        discounts=(),
        shipping_lines=(ShippingLine("Flat Rate", Decimal("10.00"), Decimal("0.00")),),
    )
)


def avenida_brasil(phone: str | None) -> Address:
    return Address(
        name="João Silva",
        company=None,
        line1="Av. Brasil, 432",
        line2=None,
        city="Rio de Janeiro",
        region="RJ",
        postal_code="12345-000",
        country="BR",
        phone=phone,
    )


WOO_723 = ParsedDelivery(
    order=Order(
        external_id="723",
        number="723",
        channel_status="partially_refunded",
        version=utc(2017, 3, 21, 19, 54, 51),
        placed_at=utc(2017, 3, 21, 19, 16),
        currency="USD",
        subtotal=Decimal("29.00"),
        discount_total=Decimal("0.00"),
        shipping_total=Decimal("10.00"),
        tax_total=Decimal("0.00"),
        total=Decimal("39.00"),
        prices_include_tax=False,
        customer=Customer("26", "João Silva", "joao.silva@example.com", "(11) 1111-1111"),
        billing_address=avenida_brasil("(11) 1111-1111"),
        shipping_address=avenida_brasil(None),
        note=None,
        items=(
            OrderItem(
                external_id="311",
                sku=None,
                name="Woo Album #2",
                quantity=Decimal("1"),
                unit_price=Decimal("9"),
                discount=Decimal("0.00"),
                tax=Decimal("0.00"),
                total=Decimal("9.00"),
            ),
            OrderItem(
                external_id="313",
                sku=None,
                name="Woo Ninja",
                quantity=Decimal("1"),
                unit_price=Decimal("20"),
                discount=Decimal("0.00"),
                tax=Decimal("0.00"),
                total=Decimal("20.00"),
            ),
        ),
        discounts=(),
        shipping_lines=(ShippingLine("Flat rate", Decimal("10.00"), Decimal("0.00")),),
    ),
    refunds=(
        Refund("726", "723", Decimal("10.00"), "USD", None, None, ()),
        Refund("724", "723", Decimal("9.00"), "USD", None, None, ()),
    ),
)


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_woocommerce_order(topic: str) -> None:
    assert receive("woocommerce", topic, read_payload("woocommerce/order.json")) == WOO_727


def test_woocommerce_orders() -> None:
    orders = orjson.loads(read_payload("woocommerce/orders.json"))
    found = [receive("woocommerce", "order.updated", orjson.dumps(order)) for order in orders]
    assert found == [WOO_727, WOO_723]
