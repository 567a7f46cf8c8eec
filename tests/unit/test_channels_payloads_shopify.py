"""Every Shopify payload in tests/payloads goes in signed and comes out right, field by field.

The expected values were read off the payloads by eye; nothing here computes them.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

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

CHESTNUT_STREET = Address(
    name="Bob Norman",
    company=None,
    line1="Chestnut Street 92",
    line2=None,
    city="Louisville",
    region="KY",
    postal_code="40202",
    country="US",
    phone="555-625-1199",
)


def ipod(external_id: str, sku: str, colour: str) -> OrderItem:
    return OrderItem(
        external_id=external_id,
        sku=sku,
        name=f"IPod Nano - 8gb - {colour}",
        quantity=Decimal("1"),
        unit_price=Decimal("199.00"),
        discount=None,
        tax=None,
        total=Decimal("199.00"),
    )


def test_shopify_order() -> None:
    assert receive("shopify", "orders/create", read_payload("shopify/order.json")) == ParsedDelivery(
        order=Order(
            external_id="450789469",
            number="#1001",
            channel_status="authorized",
            version=utc(2008, 1, 10, 16),
            placed_at=utc(2008, 1, 10, 16),
            currency="USD",
            subtotal=Decimal("398.00"),
            discount_total=Decimal("0.00"),
            shipping_total=Decimal("0.00"),
            tax_total=Decimal("11.94"),
            total=Decimal("409.94"),
            prices_include_tax=False,
            customer=Customer("207119551", "Bob Norman", "bob.norman@hostmail.com", None),
            billing_address=CHESTNUT_STREET,
            shipping_address=CHESTNUT_STREET,
            note=None,
            items=(
                ipod("466157049", "IPOD2008GREEN", "green"),
                ipod("518995019", "IPOD2008RED", "red"),
                ipod("703073504", "IPOD2008BLACK", "black"),
            ),
            discounts=(Discount("TENOFF", Decimal("10.00")),),
            shipping_lines=(ShippingLine("Free Shipping", Decimal("0.00"), None),),
        ),
        refunds=(),
        fulfillments=(
            Fulfillment(
                external_id="255858046",
                order_external_id="450789469",
                status="failure",
                carrier=None,
                tracking_numbers=("1Z2345",),
                tracking_urls=(
                    "http://wwwapps.ups.com/etracking/tracking.cgi?InquiryNumber1=1Z2345"
                    "&TypeOfInquiryNumber=T&AcceptUPSLicenseAgreement=yes&submit=Track",
                ),
                version=utc(2014, 1, 22, 20, 58, 27),
                lines=(LineQuantity("466157049", Decimal("1")),),
            ),
        ),
    )


def test_shopify_refund() -> None:
    assert receive("shopify", "refunds/create", read_payload("shopify/refund.json")) == ParsedDelivery(
        refunds=(
            Refund(
                external_id="509562969",
                order_external_id="450789469",
                amount=Decimal("209.00"),
                currency="USD",
                reason="it broke during shipping",
                refunded_at=utc(2016, 6, 20, 17, 35, 6),
                lines=(LineQuantity("703073504", Decimal("1")), LineQuantity("466157049", Decimal("1"))),
            ),
        )
    )


@pytest.mark.parametrize("topic", ["fulfillments/create", "fulfillments/update"])
def test_shopify_fulfillment(topic: str) -> None:
    assert receive("shopify", topic, read_payload("shopify/fulfillment.json")) == ParsedDelivery(
        fulfillments=(
            Fulfillment(
                external_id="255858046",
                order_external_id="450789469",
                status="pending",
                carrier="null-company",
                tracking_numbers=("1Z2345",),
                tracking_urls=("http://www.google.com/search?q=1Z2345",),
                version=utc(2013, 11, 1, 20, 6, 8),
                lines=(LineQuantity("466157049", Decimal("1")),),
            ),
        )
    )
