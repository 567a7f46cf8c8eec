"""The canonical order: what every channel's payload becomes.

Money is `Decimal` in the order's currency, exactly as the channel wrote it (unrounded unit prices and taxes
included). Times are timezone-aware UTC. Absent is None, never an empty string.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

ChannelStatus = Literal[
    "unknown",
    "pending",
    "failed",
    "authorized",
    "paid",
    "partially_fulfilled",
    "fulfilled",
    "partially_refunded",
    "refunded",
    "cancelled",
]

# Place in an order's life; the higher one wins when two versions carry the same channel time.
LIFECYCLE_RANK: dict[ChannelStatus, int] = {
    "unknown": 0,
    "pending": 10,
    "failed": 15,
    "authorized": 20,
    "paid": 30,
    "partially_fulfilled": 40,
    "fulfilled": 50,
    "partially_refunded": 60,
    "refunded": 70,
    "cancelled": 80,
}

# The version of an order that is known only from its refunds or fulfilments: older than any real one.
NEVER_SEEN = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Customer:
    external_id: str | None
    name: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Address:
    name: str | None
    company: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class OrderItem:
    external_id: str
    sku: str | None
    name: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal | None
    tax: Decimal | None
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Discount:
    code: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ShippingLine:
    title: str | None
    amount: Decimal
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Order:
    external_id: str
    number: str
    channel_status: ChannelStatus
    version: datetime
    placed_at: datetime
    currency: str
    subtotal: Decimal | None
    discount_total: Decimal | None
    shipping_total: Decimal | None
    tax_total: Decimal | None
    total: Decimal
    prices_include_tax: bool
    customer: Customer | None
    billing_address: Address | None
    shipping_address: Address | None
    note: str | None
    items: tuple[OrderItem, ...]
    discounts: tuple[Discount, ...]
    shipping_lines: tuple[ShippingLine, ...]


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So many of one order item."""

    item_external_id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Refund:
    external_id: str
    order_external_id: str
    amount: Decimal
    currency: str | None
    reason: str | None
    refunded_at: datetime | None
    lines: tuple[LineQuantity, ...]


@dataclass(frozen=True, slots=True)
class Fulfillment:
    external_id: str
    order_external_id: str
    status: str
    carrier: str | None
    tracking_numbers: tuple[str, ...]
    tracking_urls: tuple[str, ...]
    version: datetime
    lines: tuple[LineQuantity, ...]


PrivacyKind = Literal["data_request", "redact_customer", "redact_shop"]


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """What a channel asks about personal data: tell what is held of a customer, erase it, or erase all of the shop.

    `shop` is the shop's host name and `reference` the channel's number of the request, where it names them.
    """

    kind: PrivacyKind
    customer_external_id: str | None = None
    email: str | None = None
    order_external_ids: tuple[str, ...] = ()
    shop: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedDelivery:
    """What one delivery says: at most one order, and the refunds and fulfilments it carries; or a privacy request."""

    order: Order | None = None
    refunds: tuple[Refund, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()
    privacy: PrivacyRequest | None = None


@dataclass(frozen=True, slots=True)
class PolledOrder:
    """One order of a channel's list, as it becomes an inbox row.

    `version` is the channel's own time of the last change, in UTC; `payload` is in the shape that the channel's
    `parse(topic, payload)` reads. An order that does not say which one it is, or how new, has no version and an id made
    of its words: it goes through the inbox to quarantine, and the rest of the list goes on.
    """

    external_id: str
    version: datetime | None
    topic: str
    payload: str


class Version(NamedTuple):
    """Total order over the deliveries of one order: channel time, then lifecycle rank, then delivery id."""

    time: datetime
    rank: int
    delivery_id: str


FIRST_VERSION = Version(NEVER_SEEN, 0, "")


def version_of(order: Order, delivery_id: str) -> Version:
    return Version(order.version, LIFECYCLE_RANK[order.channel_status], delivery_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store holds of one order. `order_id` is None for one that it has never heard of."""

    order_id: int | None = None
    version: Version = FIRST_VERSION
    channel_status: str | None = None
    progress: str = "new"


# Channel states that show through whatever the operators did (the generated column orders.status says the same).
OVERRIDING: frozenset[str] = frozenset({"cancelled", "refunded"})


def effective_status(channel_status: str | None, progress: str) -> str:
    """The status people see: the operators' progress, unless the channel cancelled or refunded the order."""
    return channel_status if channel_status and channel_status in OVERRIDING else progress
