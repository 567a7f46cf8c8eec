"""Privacy in the drain: requests are recorded, and the erased stay erased whatever is delivered about them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import telemetry
from app.channels.base import Parse
from app.errors import PayloadError
from app.model import Fulfillment, ParsedDelivery, PrivacyKind, PrivacyRequest, Refund
from app.store import privacy, privacy_erase
from app.store.inbox import ClaimedDelivery, Outcome
from app.store.pool import Cursor
from app.store.privacy import Recorded, SubjectKind, Tombstone, hash_subject

log = logging.getLogger(__name__)

RESULT = "privacy"  # what became of a delivery that is a request about personal data
KINDS: tuple[PrivacyKind, ...] = ("data_request", "redact_customer", "redact_shop")
LONGEST_EMAIL = 320


def guard_shop(parse: Parse, shop: str) -> Parse:
    """`parse` that refuses a privacy request of another shop than the one at the host name `shop`."""

    def parse_own(topic: str, payload: str) -> ParsedDelivery:
        parsed = parse(topic, payload)
        if parsed.privacy and parsed.privacy.shop and parsed.privacy.shop.lower() != shop.lower():
            raise PayloadError(
                "a privacy request of another shop than the one whose API address is set; not acted upon"
            )
        return parsed

    return parse_own


@dataclass(frozen=True, slots=True)
class RecordedDelivery:
    """A delivery that was a request: to be told of once it is committed."""

    recorded: Recorded
    kind: PrivacyKind
    delivery: ClaimedDelivery


def record_delivered(cursor: Cursor, one: ClaimedDelivery, request: PrivacyRequest) -> RecordedDelivery:
    """Record what a delivery asks; in force when the transaction is committed."""
    recorded = privacy.record_request(
        cursor,
        request,
        channel=one.channel,
        actor=f"channel:{one.channel}",
        request_id=one.request_id,
        inbox_id=one.id,
        payload=one.payload,
    )
    return RecordedDelivery(recorded, request.kind, one)


def report_recorded(requests: Sequence[RecordedDelivery]) -> None:
    """Count and log requests that are committed."""
    for one in requests:
        is_held = one.recorded.state == "held"
        telemetry.PRIVACY_REQUESTS.labels(one.kind, "held" if is_held else "received").inc()
        log.log(
            logging.WARNING if is_held else logging.INFO,
            "privacy_request_recorded",
            extra={
                "privacy_request": one.recorded.id,
                "kind": one.kind,
                "channel": one.delivery.channel,
                "state": one.recorded.state,
                "request_id": one.delivery.request_id,
            },
        )


def seed_requests() -> None:
    """Start the counters at zero: a counter whose first sample is 1 has no increase to see."""
    for kind in KINDS:
        for outcome in ("received", "held", "completed"):
            telemetry.PRIVACY_REQUESTS.labels(kind, outcome)


def keep_erased(
    cursor: Cursor, stored: Mapping[int, tuple[str, ParsedDelivery]], outcomes: Sequence[Outcome], job_id: str
) -> None:
    """Take out again what this transaction has just stored of the erased, raw payloads included.

    `stored` has channel and content by inbox id. The rows must be marked done already.
    """
    requests = [one.inbox_id for one in outcomes if one.result == RESULT]
    privacy_erase.scrub_deliveries(cursor, requests)
    key = privacy.read_key_if_used(cursor)
    if key is None:
        return
    # (order, when it was placed): None where a tombstone counts whenever that was
    seen: dict[Tombstone, list[tuple[int, datetime | None]]] = {}
    for one in outcomes:
        if one.order_id is not None:
            channel, parsed = stored[one.inbox_id]
            placed_at = parsed.order.placed_at if parsed.order else None
            for kind, value in _list_subjects(parsed):
                tombstone = (channel, hash_subject(key, kind, value))
                seen.setdefault(tombstone, []).append((one.order_id, None if kind == "order" else placed_at))
    erased = privacy.find_erased_orders(cursor, {one.order_id for one in outcomes if one.order_id is not None})
    for tombstone, erased_at in privacy.find_tombstones(cursor, seen).items():
        erased |= {order_id for order_id, placed_at in seen[tombstone] if placed_at is None or placed_at < erased_at}
    if erased:
        privacy_erase.erase_orders(cursor, sorted(erased), "privacy", job_id)


def _list_subjects(parsed: ParsedDelivery) -> list[tuple[SubjectKind, str]]:
    """Whose tombstones count for what a delivery says."""
    order = parsed.order
    if order is None:
        attached: list[Refund | Fulfillment] = [*parsed.refunds, *parsed.fulfillments]
        return [("order", attached[0].order_external_id)]
    found: list[tuple[SubjectKind, str]] = [("order", order.external_id), ("shop", privacy.WHOLE_SHOP)]
    if order.customer and order.customer.external_id:
        found.append(("customer", order.customer.external_id))
    if order.customer and order.customer.email:
        found.append(("email", order.customer.email))
    return found


def scrub_unbound(cursor: Cursor, deliveries: Sequence[ClaimedDelivery]) -> None:
    """Take the raw payloads out of deliveries that belong to no order, when what can be told of them belongs to the
    erased: those that came into quarantine, which are given up then, and those that are about something else. The
    search of the inbox may have passed them while they waited.

    They cannot be read as orders, so their time is unknown: the order itself must be erased, or the delivery older
    than the erasure of the person.
    """
    key = privacy.read_key_if_used(cursor) if deliveries else None
    if key is None:
        return
    for one in deliveries:
        orders, persons = hash_mentions(key, read_mentions(one.payload))
        persons.append(hash_subject(key, "shop", privacy.WHOLE_SHOP))
        if privacy_erase.is_delivery_erased(cursor, one.id, orders, persons):
            privacy_erase.scrub_deliveries(cursor, [one.id])


@dataclass(slots=True)
class Mentions:
    """Whom a raw payload names, as far as that can be told without understanding it."""

    orders: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)


ORDER_FIELDS = frozenset({"order_id", "order_external_id", "AmazonOrderId"})
ORDER_LISTS = frozenset({"orders_requested", "orders_to_redact", "order_external_ids"})


def read_mentions(payload: str) -> Mentions:
    """The order ids, customer ids and e-mail addresses in a JSON text; nothing when it is no JSON."""
    mentions = Mentions()
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return mentions
    # (the field a value stands in, the field that one's object stands in, value)
    waiting: list[tuple[str, str, Any]] = [("", "", document)]
    while waiting:
        name, parent, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(str(key), name, part) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(name, parent, part) for part in value]
        elif isinstance(value, str | int) and not isinstance(value, bool):
            _note(mentions, name, parent, str(value))
    return mentions


def _note(mentions: Mentions, name: str, parent: str, value: str) -> None:
    if "@" in value and len(value) <= LONGEST_EMAIL:
        mentions.emails.add(value)
    elif name == "customer_id" or (parent == "customer" and name in ("id", "external_id")):
        mentions.customers.add(value)
    elif (
        name in ORDER_FIELDS
        or name in ORDER_LISTS
        or (parent == "" and name == "id")
        or (parent == "data" and name == "external_id")
    ):
        mentions.orders.add(value)


def hash_mentions(key: bytes, mentions: Mentions) -> tuple[list[str], list[str]]:
    """Tombstones that would stand for the orders, and for the persons, that are mentioned."""
    orders = [hash_subject(key, "order", one) for one in mentions.orders]
    persons = [hash_subject(key, "customer", one) for one in mentions.customers]
    return orders, persons + [hash_subject(key, "email", one) for one in mentions.emails]
