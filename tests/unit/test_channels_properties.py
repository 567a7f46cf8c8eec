"""Numbers survive renumbering to the last digit, and what belongs to an order moves with it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels import CHANNELS, WEBHOOKS, sample

# where the samples have the unit price of their first item
PRICES = {
    "shopify": ("line_items", "price"),
    "woocommerce": ("line_items", "price"),
    "standard": ("items", "unit_price"),
}


@pytest.mark.parametrize("channel", sorted(PRICES))
@settings(max_examples=60, deadline=None, database=None)
@given(price=st.from_regex(r"[1-9][0-9]{0,12}\.[0-9]{1,25}", fullmatch=True))
def test_a_price_keeps_its_digits(channel: str, price: str) -> None:
    webhook = WEBHOOKS[channel]
    document = orjson.loads(sample(channel))
    items, field = PRICES[channel]
    (document.get("data") or document)[items][0][field] = orjson.Fragment(price)
    body = orjson.dumps(document)
    topic = webhook.choose_topic(body)
    for written in (body, webhook.renumber(body, 7)):
        order = CHANNELS[channel].parse(topic, written.decode()).order
        assert order
        assert str(order.items[0].unit_price) == price


@pytest.mark.parametrize(
    ("channel", "body"),
    [
        ("shopify", b'{"id": 1, "order_id": 2, "refund_line_items": []}'),
        ("shopify", b'{"id": 1, "order_id": 2}'),
        ("standard", b'{"type": "refund.created", "data": {"external_id": "1", "order_external_id": "2"}}'),
    ],
)
def test_renumbered_refunds_and_fulfilments_follow_their_order(channel: str, body: bytes) -> None:
    assert WEBHOOKS[channel].renumber(body, 77).count(b"77") == 2


def test_renumbered_parts_of_a_shopify_order_follow_it() -> None:
    body = b'{"id": 1, "fulfillments": [{"id": 5, "order_id": 1}, null], "refunds": [{"id": 6, "order_id": 1}]}'
    document = orjson.loads(WEBHOOKS["shopify"].renumber(body, 9))
    assert document["fulfillments"] == [{"id": 5, "order_id": 9}, None]
    assert document["refunds"] == [{"id": 6, "order_id": 9}]
