"""WooCommerce's webhooks: signed with base64 HMAC-SHA256 over the raw body.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks and `WC_Webhook` of the plugin. Only the body is
signed: the topic, a header, decides whether a body is read, never what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from app.channels import reading, signing
from app.channels.base import Delivery, Headers

_PING = re.compile(rb"webhook_id=[0-9]{1,20}")
_FORM = "application/x-www-form-urlencoded"


class WooCommerce:
    content_types: tuple[str, ...] = ("application/json", _FORM)

    def is_ping(self, headers: Headers, body: bytes) -> bool:
        """True for the unsigned `webhook_id=<n>` that a shop sends when a webhook is saved."""
        kind = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        return kind == _FORM and _PING.fullmatch(body) is not None

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> Delivery:
        given = headers.get("X-WC-Webhook-Signature")
        signing.check_signature([given] if given else [], body, [secret.encode() for secret in secrets])
        topic = signing.read_label(headers, "X-WC-Webhook-Topic")
        signing.check_body_id(signing.load_object(body))
        # WooCommerce makes its delivery id of the webhook's id and the time in whole seconds
        # (WC_Webhook::get_new_delivery_id). Two orders of one second come under one id, and the second would
        # be taken for a duplicate and lost. With the body in the id, only the same words twice are one.
        given_id = signing.read_label(headers, "X-WC-Webhook-Delivery-ID")
        delivery_id = f"{given_id}-{sha256(body).hexdigest()[:16]}"
        return Delivery(signing.check_label(delivery_id, "X-WC-Webhook-Delivery-ID with a digest"), topic)

    def sign(self, body: bytes, secret: str, topic: str, delivery_id: str, now: float) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "X-WC-Webhook-Signature": signing.sign_bytes(body, secret.encode()).decode(),
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Delivery-ID": delivery_id,
        }

    def choose_topic(self, body: bytes) -> str:
        return "order.created"

    def renumber(self, body: bytes, number: int) -> bytes:
        def change(document: dict[str, Any]) -> None:
            document |= {"id": number, "number": str(number)}

        return reading.rewrite(body, change)
