"""Shopify's webhooks: signed with base64 HMAC-SHA256 over the raw body.

https://shopify.dev/docs/apps/build/webhooks. Only the body is signed, not the topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.channels import reading, signing
from app.channels.base import Delivery, Headers
from app.channels.shopify import privacy
from app.channels.shopify.parse import TOPICS, tell_shape
from app.errors import Malformed


class Shopify:
    content_types: tuple[str, ...] = ("application/json",)

    def is_ping(self, headers: Headers, body: bytes) -> bool:
        """Never: Shopify has no connection test of its own."""
        return False

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> Delivery:
        given = headers.get("X-Shopify-Hmac-Sha256")
        signing.check_signature([given] if given else [], body, [secret.encode() for secret in secrets])
        topic = signing.read_label(headers, "X-Shopify-Topic")
        document = signing.load_object(body)
        if topic not in privacy.KINDS:  # those have no id; a body that is not theirs fails when it is read
            signing.check_body_id(document)
        return Delivery(_read_delivery_id(headers, topic), topic)

    def sign(self, body: bytes, secret: str, topic: str, delivery_id: str, now: float) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Shopify-Hmac-Sha256": signing.sign_bytes(body, secret.encode()).decode(),
            "X-Shopify-Topic": topic,
            "X-Shopify-Webhook-Id": delivery_id,
        }

    def choose_topic(self, body: bytes) -> str:
        document = signing.load_object(body)
        kind = privacy.tell_kind(document)
        return privacy.TOPICS[kind] if kind else TOPICS[tell_shape(document)]

    def renumber(self, body: bytes, number: int) -> bytes:
        def change(document: dict[str, Any]) -> None:
            document["id"] = number
            if tell_shape(document) != "order":
                document["order_id"] = number
                return
            document |= {"name": f"#{number}", "order_number": number}
            for field in ("refunds", "fulfillments"):
                for part in reading.read_list(document, field):
                    if isinstance(part, dict):
                        part["order_id"] = number

        return reading.rewrite(body, change)


def _read_delivery_id(headers: Headers, topic: str) -> str:
    """The webhook id; without one, the event id, which two topics about one event share."""
    if headers.get("X-Shopify-Webhook-Id"):
        return signing.read_label(headers, "X-Shopify-Webhook-Id")
    if not headers.get("X-Shopify-Event-Id"):
        raise Malformed("The headers X-Shopify-Webhook-Id and X-Shopify-Event-Id are both missing.")
    event = signing.read_label(headers, "X-Shopify-Event-Id")
    return signing.check_label(f"{topic}:{event}", "The topic with the event id")
