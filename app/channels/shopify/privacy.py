"""Shopify's mandatory privacy webhooks: https://shopify.dev/docs/apps/build/privacy-law-compliance

The topic, a header, is not signed. So each topic takes only the body that is its own: no signed order, and no signed
request to tell what is held, can be sent again as a request to erase.
"""

from __future__ import annotations

from app.channels import reading
from app.errors import PayloadError
from app.model import PrivacyKind, PrivacyRequest

KINDS: dict[str, PrivacyKind] = {
    "customers/data_request": "data_request",
    "customers/redact": "redact_customer",
    "shop/redact": "redact_shop",
}
TOPICS = {kind: topic for topic, kind in KINDS.items()}
ORDERS: dict[PrivacyKind, str] = {"data_request": "orders_requested", "redact_customer": "orders_to_redact"}
# What only other bodies have. Every other webhook about a shop, an order or a customer has an id of its own.
FOREIGN = frozenset({"id", "order_id", "line_items"})


def tell_kind(document: reading.Record) -> PrivacyKind | None:
    """What a body asks by its own account; None when it is no such request."""
    if "shop_domain" not in document or not FOREIGN.isdisjoint(document):
        return None
    asks, redacts = "data_request" in document or "orders_requested" in document, "orders_to_redact" in document
    if asks and redacts:
        return None
    if asks or redacts:
        return ("data_request" if asks else "redact_customer") if "customer" in document else None
    return None if "customer" in document else "redact_shop"


def read_request(topic: str, document: reading.Record) -> PrivacyRequest:
    """The request of one of the topics in KINDS. Raises PayloadError when the body is not that topic's."""
    kind = KINDS[topic]
    if tell_kind(document) != kind:
        raise PayloadError("the topic and the body do not fit each other")
    shop = reading.need_text(document, "shop_domain")
    if kind == "redact_shop":
        return PrivacyRequest(kind, shop=shop)
    customer = reading.read_record(document, "customer")
    request = PrivacyRequest(
        kind,
        customer_external_id=reading.read_id(customer, "id"),
        email=reading.read_text(customer, "email"),
        order_external_ids=reading.read_ids(document, ORDERS[kind]),
        shop=shop,
        reference=reading.read_id(reading.read_record(document, "data_request"), "id"),
    )
    return reading.need_person(request)
