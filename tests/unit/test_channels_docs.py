"""docs/channels.md says what the code does: its examples are the tested payloads, its tables name every topic."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.channels import WEBHOOKS, sample
from app.channels.shopify.parse import FINANCIAL, FULFILLMENT, SHAPES
from app.channels.standard.parse import FULFILLMENT_TYPES, ORDER_TYPES, REFUND_TYPES, STATUSES
from app.channels.woocommerce.parse import STATUSES as WOO_STATUSES
from app.channels.woocommerce.parse import TOPICS
from app.config import CHANNEL_NAMES
from app.model import Address, Customer, Discount, Fulfillment, LineQuantity, Order, OrderItem, Refund, ShippingLine
from tests.webhooks import PAYLOADS

TEXT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
BEFORE_WALK_THROUGH = TEXT.partition("\n## Adding a channel\n")[0]
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", BEFORE_WALK_THROUGH, re.DOTALL)]


def test_every_configured_channel_is_there() -> None:
    assert tuple(WEBHOOKS) == CHANNEL_NAMES
    for name in CHANNEL_NAMES:
        assert f"\n## {name}\n" in TEXT
        assert f"PALMONAS_{name.upper()}_SECRETS" in TEXT


def test_examples_are_the_tested_payloads() -> None:
    names = ("order", "refund", "fulfillment")
    assert [json.loads((PAYLOADS / f"standard/{name}.json").read_text()) for name in names] == EXAMPLES
    assert json.loads(sample("standard")) == EXAMPLES[0]


def names_of(model: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(model)}


def test_example_order_has_every_field() -> None:
    order, refund, fulfillment = (example["data"] for example in EXAMPLES)
    assert set(order) == names_of(Order) | {"refunds", "fulfillments"}
    assert set(order["customer"]) == names_of(Customer)
    assert set(order["billing_address"]) == names_of(Address)
    assert set(order["items"][0]) == names_of(OrderItem)
    assert set(order["discounts"][0]) == names_of(Discount)
    assert set(order["shipping_lines"][0]) == names_of(ShippingLine)
    assert set(refund) == names_of(Refund)
    assert set(refund["lines"][0]) == names_of(LineQuantity)
    assert set(fulfillment) == names_of(Fulfillment)


@pytest.mark.parametrize("topic", sorted({*SHAPES, *TOPICS, *ORDER_TYPES, *REFUND_TYPES, *FULFILLMENT_TYPES}))
def test_every_topic_is_there(topic: str) -> None:
    assert f"`{topic}`" in TEXT


@pytest.mark.parametrize("status", sorted({*FINANCIAL, *FULFILLMENT, *WOO_STATUSES, *STATUSES}))
def test_every_status_is_there(status: str) -> None:
    assert re.search(rf"\b{re.escape(status)}\b", TEXT)
