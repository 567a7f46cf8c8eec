"""What the door makes of each channel's own headers: topics, delivery ids, connection tests.

What holds for every channel is in test_channels_contract_webhooks.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from werkzeug.datastructures import Headers

from app.channels import WEBHOOKS, check_secrets
from app.errors import ConfigError, Malformed

SECRET = "whsec_" + base64.b64encode(b"the secret of the unit tests").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of the unit tests").decode()
BODY = b'{"id": 7, "type": "order.created"}'
NOW = 1_790_000_000.0
TOPICS = {"shopify": "orders/create", "woocommerce": "order.created", "standard": "order.created"}


def sign(channel: str, body: bytes = BODY, secret: str = SECRET, delivery_id: str = "one") -> Headers:
    return Headers(dict(WEBHOOKS[channel].sign(body, secret, TOPICS[channel], delivery_id, NOW)))


def plain_hmac(body: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("channel", ["shopify", "woocommerce"])
@pytest.mark.parametrize(
    "body", [b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": true}', b'{"id": []}', b'{"order": {"id": 1}}']
)
def test_body_without_id_is_malformed(channel: str, body: bytes) -> None:
    with pytest.raises(Malformed, match="no id"):
        WEBHOOKS[channel].verify(sign(channel, body), body, [SECRET], NOW)


@pytest.mark.parametrize("channel", ["shopify", "woocommerce"])
@pytest.mark.parametrize("topic", ["", "x" * 201, "orders create", "ord\u00e9rs"])
def test_topic_is_bounded_and_printable(channel: str, topic: str) -> None:
    headers = dict(WEBHOOKS[channel].sign(BODY, SECRET, topic, "one", NOW))
    with pytest.raises(Malformed):
        WEBHOOKS[channel].verify(headers, BODY, [SECRET], NOW)


def test_longest_delivery_id_is_let_in() -> None:
    headers = sign("shopify", delivery_id="x" * 200)
    assert WEBHOOKS["shopify"].verify(headers, BODY, [SECRET], NOW).delivery_id == "x" * 200


def test_shopify_delivery_id_is_the_webhook_id_else_topic_and_event_id() -> None:
    door = WEBHOOKS["shopify"]
    signed = {"X-Shopify-Hmac-Sha256": plain_hmac(BODY), "X-Shopify-Topic": "orders/updated"}
    both = Headers(signed | {"X-Shopify-Webhook-Id": "w-1", "X-Shopify-Event-Id": "e-1"})
    assert door.verify(both, BODY, [SECRET], NOW).delivery_id == "w-1"
    event = Headers(signed | {"X-Shopify-Event-Id": "e-1"})
    assert door.verify(event, BODY, [SECRET], NOW).delivery_id == "orders/updated:e-1"
    with pytest.raises(Malformed, match="both missing"):
        door.verify(Headers(signed), BODY, [SECRET], NOW)
    with pytest.raises(Malformed):
        door.verify(Headers(signed | {"X-Shopify-Event-Id": "e" * 190}), BODY, [SECRET], NOW)


def woo_delivery_id(body: bytes, header: str) -> str:
    headers = Headers(
        {
            "X-WC-Webhook-Signature": plain_hmac(body),
            "X-WC-Webhook-Topic": "order.created",
            "X-WC-Webhook-Delivery-ID": header,
        }
    )
    return WEBHOOKS["woocommerce"].verify(headers, body, [SECRET], NOW).delivery_id


def test_woocommerce_orders_of_one_second_have_ids_of_their_own() -> None:
    first, second = b'{"id": 1}', b'{"id": 2}'
    same_second = "27fcde6d5ed88139d07a62e0aa86a11c"
    assert woo_delivery_id(first, same_second) != woo_delivery_id(second, same_second)
    assert woo_delivery_id(first, same_second) == woo_delivery_id(first, same_second)
    assert woo_delivery_id(first, same_second) != woo_delivery_id(first, "another-second")
    # sha256(b'{"id": 1}') by sha256sum
    assert woo_delivery_id(first, same_second) == f"{same_second}-354aaef7a5f6ecbb"


def test_woocommerce_without_delivery_id_is_malformed() -> None:
    headers = sign("woocommerce")
    headers.remove("X-WC-Webhook-Delivery-ID")
    with pytest.raises(Malformed, match="X-WC-Webhook-Delivery-ID"):
        WEBHOOKS["woocommerce"].verify(headers, BODY, [SECRET], NOW)


@pytest.mark.parametrize(
    ("content_type", "body", "is_ping"),
    [
        ("application/x-www-form-urlencoded", b"webhook_id=12", True),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"webhook_id=12", True),
        ("Application/X-WWW-Form-Urlencoded", b"webhook_id=12", True),
        ("application/json", b"webhook_id=12", False),
        (None, b"webhook_id=12", False),
        ("application/x-www-form-urlencoded", b"webhook_id=", False),
        ("application/x-www-form-urlencoded", b"webhook_id=12&id=1", False),
        ("application/x-www-form-urlencoded", b"webhook_id=12\n", False),
        ("application/x-www-form-urlencoded", b'{"id": 1}', False),
        ("application/x-www-form-urlencoded", b"webhook_id=" + b"1" * 21, False),
    ],
)
def test_woocommerce_ping(content_type: str | None, body: bytes, is_ping: bool) -> None:
    headers = Headers({"Content-Type": content_type} if content_type else {})
    assert WEBHOOKS["woocommerce"].is_ping(headers, body) is is_ping
    assert "application/x-www-form-urlencoded" in WEBHOOKS["woocommerce"].content_types


@pytest.mark.parametrize("channel", ["shopify", "standard"])
def test_other_channels_have_no_ping(channel: str) -> None:
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded"})
    assert not WEBHOOKS[channel].is_ping(headers, b"webhook_id=12")


def test_secret_that_cannot_sign_stops_the_start() -> None:
    check_secrets({"shopify": ["any text will do here"], "standard": [SECRET, OTHER_SECRET]})
    for secret in ("whsec_not base64!", "whsec_", "whsec_ü"):
        with pytest.raises(ConfigError, match="whsec_"):
            check_secrets({"standard": [SECRET, secret]})
