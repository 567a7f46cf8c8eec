"""Which body asks for what, and that no topic makes another body of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from app.channels import CHANNELS, WEBHOOKS
from app.channels.shopify.privacy import KINDS, TOPICS, tell_kind
from app.errors import BadSignature, Malformed, PayloadError
from app.model import PrivacyRequest
from app.orders.privacy import guard_shop, read_mentions
from tests.privacy import CUSTOMER, EMAIL, SHOP, make_data_request, make_order, make_redact, make_refund
from tests.webhooks import SECRET, receive

BODIES: dict[str, dict[str, Any]] = {
    "customers/data_request": make_data_request(1, 2),
    "customers/redact": make_redact(1, 2),
    "shop/redact": {"shop_id": 1, "shop_domain": SHOP},
    "orders/create": make_order(1),
    "refunds/create": make_refund(1),
}


def test_each_request_is_read_for_what_it_is() -> None:
    person = {"customer_external_id": str(CUSTOMER), "email": EMAIL, "order_external_ids": ("1", "2"), "shop": SHOP}
    found = {topic: receive("shopify", topic, json.dumps(BODIES[topic]).encode()).privacy for topic in KINDS}
    assert found == {
        "customers/data_request": PrivacyRequest("data_request", **person, reference="9999"),
        "customers/redact": PrivacyRequest("redact_customer", **person),
        "shop/redact": PrivacyRequest("redact_shop", shop=SHOP),
    }


@pytest.mark.parametrize("topic", [*KINDS, "orders/create", "refunds/create", "fulfillments/update"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_under_another_topic_is_refused(name: str, topic: str) -> None:
    if topic == name:
        return
    with pytest.raises((Malformed, PayloadError)):
        receive("shopify", topic, json.dumps(BODIES[name]).encode())


def test_a_request_under_a_topic_of_no_interest_is_refused_at_the_door() -> None:
    with pytest.raises(Malformed, match="no id"):
        receive("shopify", "products/update", json.dumps(BODIES["shop/redact"]).encode())


@pytest.mark.parametrize("name", list(KINDS))
def test_an_unsigned_request_is_refused(name: str) -> None:
    body = json.dumps(BODIES[name]).encode()
    headers = WEBHOOKS["shopify"].sign(body + b" ", SECRET, name, "d", 0)
    with pytest.raises(BadSignature):
        WEBHOOKS["shopify"].verify(Headers(dict(headers)), body, [SECRET], 0)


@pytest.mark.parametrize(
    "change",
    [{"id": 1}, {"line_items": []}, {"orders_requested": [1], "data_request": {"id": 1}}, {"order_id": 5}],
)
def test_what_is_more_than_a_request_is_none(change: dict[str, Any]) -> None:
    assert tell_kind(make_redact(1)) == "redact_customer"
    assert tell_kind(make_redact(1) | change) is None


@pytest.mark.parametrize(
    "change",
    [{"customer": {}, "orders_to_redact": []}, {"customer": []}, {"customer": "x"}, {"orders_to_redact": 5},
     {"orders_to_redact": [{}]}, {"customer": {"id": True}}, {"shop_domain": ""}],
)  # fmt: skip
def test_a_request_that_names_nobody_or_is_broken_cannot_be_read(change: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        CHANNELS["shopify"].parse("customers/redact", json.dumps(make_redact() | change))


def test_another_shops_request_is_not_acted_upon() -> None:
    parse = guard_shop(CHANNELS["shopify"].parse, "other.myshopify.com")
    body = json.dumps(make_redact(1))
    with pytest.raises(PayloadError, match="another shop"):
        parse("customers/redact", body)
    assert guard_shop(CHANNELS["shopify"].parse, SHOP.upper())("customers/redact", body).privacy
    assert parse("orders/create", json.dumps(make_order(1))).order


def test_send_finds_the_topic() -> None:
    for topic in KINDS:
        assert WEBHOOKS["shopify"].choose_topic(json.dumps(BODIES[topic]).encode()) == topic
    assert set(TOPICS.values()) == set(KINDS)


@pytest.mark.parametrize(("kind", "wanted"), [("data_request", "data_request"), ("redact", "redact_customer")])
def test_standard_webhooks_can_ask_too(kind: str, wanted: str) -> None:
    body = {
        "type": f"customer.{kind}",
        "timestamp": "2026-11-20T14:14:05Z",
        "data": {"customer": {"external_id": "C-77", "email": "a@b.example"}, "order_external_ids": ["A-1", 2]},
    }
    found = receive("standard", body["type"], json.dumps(body).encode()).privacy
    assert found == PrivacyRequest(wanted, "C-77", "a@b.example", ("A-1", "2"))
    with pytest.raises(PayloadError, match="names no customer"):
        CHANNELS["standard"].parse("", json.dumps(body | {"data": {"customer": {"name": "x"}}}))


def test_mentions_are_found_where_ids_stand_and_nowhere_else() -> None:
    text = json.dumps(
        {
            "id": 1,
            "total": "770",
            "contact": ["deep", {"mail": "Some@Where.example"}],
            "customer": {"id": 770, "orders_count": 3},
            "line_items": [{"id": 4, "product_id": 5}],
            "refunds": [{"order_id": 6}],
            "customer_id": True,
        }
    )
    found = read_mentions(text)
    assert (found.orders, found.customers, found.emails) == ({"1", "6"}, {"770"}, {"Some@Where.example"})
    assert read_mentions("no json") == read_mentions("[" * 100_000)
