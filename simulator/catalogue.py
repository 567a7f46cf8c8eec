"""What a simulated order is made of, and how one is made: of seed, channel and serial number alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Literal

from app.model import ChannelStatus

ChannelName = Literal["shopify", "woocommerce", "amazon", "standard"]
CHANNEL_NAMES: tuple[ChannelName, ...] = ("shopify", "woocommerce", "amazon", "standard")

# The smallest step of a channel's clock: three of them write whole seconds, the fourth milliseconds.
RESOLUTION: dict[str, timedelta] = {
    "shopify": timedelta(seconds=1),
    "woocommerce": timedelta(seconds=1),
    "amazon": timedelta(seconds=1),
    "standard": timedelta(milliseconds=1),
}
CURRENCIES = {"shopify": "USD", "woocommerce": "EUR", "amazon": "USD", "standard": "GBP"}
COUNTRIES = {"shopify": "US", "woocommerce": "DE", "amazon": "US", "standard": "GB"}

_SHORT: tuple[tuple[ChannelStatus, ...], ...] = (
    ("pending", "paid", "fulfilled"),
    ("paid", "fulfilled"),
    ("pending", "cancelled"),
    ("pending", "paid", "cancelled"),
)
_PARTS: tuple[ChannelStatus, ...] = ("pending", "paid", "partially_fulfilled", "fulfilled")
_MONEY_BACK: tuple[ChannelStatus, ...] = ("paid", "fulfilled", "partially_refunded", "refunded")
_FAILED: tuple[ChannelStatus, ...] = ("pending", "failed")

# Lives an order can have. WooCommerce knows no partial shipment; Amazon's order API tells of no refund and no failure.
LIVES: dict[str, tuple[tuple[ChannelStatus, ...], ...]] = {
    "shopify": (*_SHORT, _PARTS, _MONEY_BACK, _FAILED, ("authorized", "paid", "fulfilled")),
    "woocommerce": (*_SHORT, _MONEY_BACK, _FAILED),
    "amazon": (*_SHORT, _PARTS),
    "standard": (*_SHORT, _PARTS, _MONEY_BACK, _FAILED),
}

ARTICLES = (("LAMP-S", "Desk lamp", "30.00"), ("BULB", "Bulb", "4.10"), ("MUG-B", "Blue mug", "12.49"),
            ("TEE-M", "T-shirt, medium", "19.99"), ("BOOK-7", "Field guide", "24.50"))  # fmt: skip
GIVEN_NAMES, FAMILY_NAMES = ("Grace", "Ada", "Alan", "Jo\N{LATIN SMALL LETTER A WITH TILDE}o"), ("Sample", "Example")
CENT = Decimal("0.01")
TAX_RATE = Decimal("0.10")


@dataclass
class Line:
    id: int
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    shipped: int = 0
    refunded: int = 0

    @property
    def gross(self) -> Decimal:
        return self.unit_price * self.quantity

    @property
    def total(self) -> Decimal:
        """After the discount, before tax."""
        return self.gross - self.discount

    @property
    def tax(self) -> Decimal:
        return (self.total * TAX_RATE).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Shipment:
    id: int
    lines: Mapping[int, int]
    carrier: str
    tracking: str
    at: datetime


@dataclass(frozen=True)
class Refund:
    id: int
    lines: Mapping[int, int]
    amount: Decimal
    at: datetime


@dataclass
class Order:
    channel: ChannelName
    serial: int
    id: int
    external_id: str
    number: str
    status: ChannelStatus
    plan: list[ChannelStatus]
    created_at: datetime
    updated_at: datetime
    name: tuple[str, str]
    email: str
    lines: list[Line]
    shipping: Decimal
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    shipments: list[Shipment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    changes: int = 0

    @property
    def currency(self) -> str:
        return CURRENCIES[self.channel]

    @property
    def country(self) -> str:
        return COUNTRIES[self.channel]

    @property
    def subtotal(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def discount(self) -> Decimal:
        return sum((line.discount for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.shipping + self.tax

    @property
    def money_back(self) -> Decimal:
        return sum((refund.amount for refund in self.refunds), Decimal(0))

    def list_unshipped(self) -> dict[int, int]:
        return {line.id: line.quantity - line.shipped for line in self.lines if line.quantity > line.shipped}


def build_order(channel: ChannelName, seed: int, offset: int, serial: int, now: datetime) -> Order:
    """Order number `serial` of `channel`; `offset` keeps the numbers of one seed apart from another's."""
    random = Random(f"{seed}:{channel}:{serial}")
    number = (1_000_000 + offset) * 1_000_000 + serial
    external_ids = {"amazon": f"902-{offset:07d}-{serial:07d}", "standard": f"S-{offset}-{serial}"}
    life = random.choice(LIVES[channel])
    lines = []
    for place, (sku, name, price) in enumerate(random.sample(ARTICLES, random.randint(1, 4)), start=1):
        discount = Decimal(random.choice(("0.00", "0.00", "1.50")))
        lines.append(Line(number * 100 + place, sku, name, random.randint(1, 3), Decimal(price), discount))
    return Order(
        channel=channel,
        serial=serial,
        id=number,
        external_id=external_ids.get(channel, str(number)),
        number=f"#{1000 + serial}" if channel == "shopify" else external_ids.get(channel, str(number)),
        status=life[0],
        plan=list(life[1:]),
        created_at=now,
        updated_at=now,
        name=(random.choice(GIVEN_NAMES), random.choice(FAMILY_NAMES)),
        email=f"buyer{random.randrange(10_000)}@example.com",
        lines=lines,
        shipping=Decimal(random.choice(("0.00", "4.95", "10.00"))),
        paid_at=now if life[0] == "paid" else None,
    )
