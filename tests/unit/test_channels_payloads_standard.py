"""Every Standard Webhooks payload in tests/payloads goes in signed and comes out right, field by field.

The expected values were read off the payloads by eye; nothing here computes them.
"""

from __future__ import annotations

from decimal import Decimal

from app.model import (
    Address,
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
from tests.webhooks import read_payload, receive, utc


def test_standard_order() -> None:
    assert receive("standard", "order.created", read_payload("standard/order.json")) == ParsedDelivery(
        order=Order(
            external_id="A-1001",
            number="A-1001",
            channel_status="paid",
            version=utc(2026, 11, 20, 14, 14, 5, 250_000),
            placed_at=utc(2026, 11, 20, 14, 14, 2),
            currency="GBP",
            subtotal=Decimal("40.00"),
            discount_total=Decimal("2.00"),
            shipping_total=Decimal("3.95"),
            tax_total=Decimal("8.79"),
            total=Decimal("52.74"),
            prices_include_tax=False,
            customer=Customer("C-77", "Grace Sample", "grace.sample@example.com", None),
            billing_address=Address(
                name="Grace Sample",
                company="Sample Ltd",
                line1="1 Canal Row",
                line2="Flat 2",
                city="Leeds",
                region=None,
                postal_code="LS1 4AP",
                country="GB",
                phone=None,
            ),
            shipping_address=Address(
                name="Grace Sample",
                company=None,
                line1="1 Canal Row",
                line2="Flat 2",
                city="Leeds",
                region=None,
                postal_code="LS1 4AP",
                country="GB",
                phone=None,
            ),
            note="Ring twice.",
            items=(
                OrderItem(
                    external_id="L-1",
                    sku="LAMP-S",
                    name="Desk lamp",
                    quantity=Decimal("1"),
                    unit_price=Decimal("30.00"),
                    discount=Decimal("2.00"),
                    tax=Decimal("5.60"),
                    total=Decimal("28.00"),
                ),
                OrderItem(
                    external_id="L-2",
                    sku="BULB",
                    name="Bulb",
                    quantity=Decimal("3"),
                    unit_price=Decimal("4.00"),
                    discount=None,
                    tax=Decimal("2.40"),
                    total=Decimal("12.00"),
                ),
            ),
            discounts=(Discount("TWO-OFF", Decimal("2.00")),),
            shipping_lines=(ShippingLine("Courier", Decimal("3.95"), Decimal("0.79")),),
        )
    )


def test_standard_refund() -> None:
    assert receive("standard", "refund.created", read_payload("standard/refund.json")) == ParsedDelivery(
        refunds=(
            Refund(
                external_id="R-9",
                order_external_id="A-1001",
                amount=Decimal("12.00"),
                currency="GBP",
                reason="Bulbs broken on arrival",
                refunded_at=utc(2026, 11, 22, 8),
                lines=(LineQuantity("L-2", Decimal("3")),),
            ),
        )
    )


def test_standard_fulfillment() -> None:
    body = read_payload("standard/fulfillment.json")
    assert receive("standard", "fulfillment.created", body) == ParsedDelivery(
        fulfillments=(
            Fulfillment(
                external_id="F-3",
                order_external_id="A-1001",
                status="shipped",
                carrier="Royal Mail",
                tracking_numbers=("RM 123 456 785 GB",),
                tracking_urls=("https://tracking.example.com/RM123456785GB",),
                version=utc(2026, 11, 21, 10, 29, 58),
                lines=(LineQuantity("L-1", Decimal("1")), LineQuantity("L-2", Decimal("3"))),
            ),
        )
    )
