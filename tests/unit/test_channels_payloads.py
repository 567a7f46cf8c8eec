"""No payload without a test, and samples that are fit to be shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.channels import WEBHOOKS, sample
from tests.webhooks import PAYLOADS, receive


def test_every_payload_has_a_test() -> None:
    tested = {
        "shopify/order.json",
        "shopify/orders.json",
        "shopify/refund.json",
        "shopify/fulfillment.json",
        "woocommerce/order.json",
        "woocommerce/orders.json",
        "standard/order.json",
        "standard/refund.json",
        "standard/fulfillment.json",
        "amazon/getOrder.json",
        "amazon/getOrderItems.json",
        "amazon/getOrders.json",
    }
    assert {str(path.relative_to(PAYLOADS)) for path in PAYLOADS.glob("*/*.json")} == tested


@pytest.mark.parametrize(
    ("channel", "number", "total", "items"),
    [
        ("shopify", "#1001", "72.07", ["Mug - blue", "Teapot - 1 litre"]),
        ("woocommerce", "4711", "57.71", ["Coffee \N{EN DASH} 3 bags", "Filter & jug"]),
        ("standard", "A-1001", "52.74", ["Desk lamp", "Bulb"]),
    ],
)
def test_sample_is_a_paid_order_of_two_items(channel: str, number: str, total: str, items: list[str]) -> None:
    body = sample(channel)
    order = receive(channel, WEBHOOKS[channel].choose_topic(body), body).order
    assert order is not None
    assert (order.number, order.channel_status, order.total) == (number, "paid", Decimal(total))
    assert [item.name for item in order.items] == items
