"""Amazon: polled, never a webhook. An order of the Selling Partner API v0 with its items.

https://developer-docs.amazon.com/sp-api/docs/orders-api-v0-reference. The payload is
`{"order": <Order>, "items": [<OrderItem>, ...]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from app.channels import reading
from app.errors import PayloadError
from app.model import Address, ChannelStatus, Customer, Order, OrderItem, ParsedDelivery, ShippingLine

TOPIC = "order.polled"

# Unshipped means: payment is authorised and the order may be shipped. InvoiceUnconfirmed: shipped, and only the
# invoice is open. A status that Amazon may add some day counts as pending: the order is kept and seen.
STATUSES: dict[str, ChannelStatus] = {
    "PendingAvailability": "pending",
    "Pending": "pending",
    "Unshipped": "paid",
    "PartiallyShipped": "partially_fulfilled",
    "Shipped": "fulfilled",
    "InvoiceUnconfirmed": "fulfilled",
    "Canceled": "cancelled",
    "Unfulfillable": "failed",
}

# Pending orders come without any amount, and so without a currency. The marketplace has but one:
# https://developer-docs.amazon.com/sp-api/docs/marketplace-ids
CURRENCIES: dict[str, str] = {
    "A2EUQ1WTGCTBG2": "CAD",
    "ATVPDKIKX0DER": "USD",
    "A1AM78C64UM0Y8": "MXN",
    "A2Q3Y263D00KWC": "BRL",
    "A28R8C7NBKEWEA": "EUR",
    "A1RKKUPIHCS9HS": "EUR",
    "A1F83G8C2ARO7P": "GBP",
    "A13V1IB3VIYZZH": "EUR",
    "AMEN7PMS3EDWL": "EUR",
    "A1805IZSGTT6HS": "EUR",
    "A1PA6795UKMFR9": "EUR",
    "APJ6JRA9NG5V4": "EUR",
    "A2NODRKZP88ZB9": "SEK",
    "AE08WJ6YKNBMC": "ZAR",
    "A1C3SOZRARQ6R3": "PLN",
    "ARBP9OOSHTCHU": "EGP",
    "A33AVAJ2PDY3EV": "TRY",
    "A17E79C6D8DWNP": "SAR",
    "A2VIGQ35RCS4UG": "AED",
    "A21TJRUUN4KGV": "INR",
    "A19VAU5U5O7RUS": "SGD",
    "A39IBJ37TRP1C6": "AUD",
    "A1VC38T7YXB528": "JPY",
}


def parse(topic: str, payload: str) -> ParsedDelivery:
    """The order; refunds and packages are not part of orders v0. Raises PayloadError."""
    if topic != TOPIC:
        return ParsedDelivery()
    document = reading.decode(payload)
    items = reading.read_each(document, "items", lambda one: one)
    return ParsedDelivery(read_order(reading.read_record(document, "order"), items))


def read_order(record: reading.Record, lines: Sequence[reading.Record]) -> Order:
    """The order. Without an amount of its own, as long as it is pending or when it is cancelled, its total is what
    its lines add up to, 0 when they have no price either.
    """
    external_id = reading.need_id(record, "AmazonOrderId")
    items = tuple(_read_item(one, place) for place, one in enumerate(lines))
    shipping = _add(lines, "ShippingPrice")
    net = _add_up([item.total for item in items] + [shipping, _negate(_add(lines, "ShippingDiscount"))])
    tax = _add_up([_add(lines, "ItemTax"), _add(lines, "ShippingTax")])
    total, currency = read_money(record, "OrderTotal")
    return Order(
        external_id=external_id,
        number=external_id,
        channel_status=STATUSES.get(reading.need_text(record, "OrderStatus"), "pending"),
        version=reading.need_time(record, "LastUpdateDate"),
        placed_at=reading.need_time(record, "PurchaseDate"),
        currency=currency or _find_currency(record, lines),
        subtotal=_add_up([item.total for item in items]),
        discount_total=_add_up([item.discount for item in items] + [_add(lines, "ShippingDiscount")]),
        shipping_total=shipping,
        tax_total=tax,
        total=(net or Decimal(0)) if total is None else total,
        # Amazon does not say it; an order that costs as much as its lines has the tax within them.
        prices_include_tax=bool(tax) and total is not None and total == net,
        customer=read_customer(record),
        billing_address=None,
        shipping_address=read_address(reading.read_record(record, "ShippingAddress")),
        note=None,
        items=items,
        discounts=(),
        shipping_lines=_read_shipping(record, shipping, _add(lines, "ShippingTax")),
    )


def read_money(record: reading.Record, field: str) -> tuple[Decimal | None, str | None]:
    """Amount and currency of a Money; both None when it is absent. Raises PayloadError."""
    money = reading.read_record(record, field)
    try:
        return reading.read_decimal(money, "Amount"), reading.read_text(money, "CurrencyCode")
    except PayloadError as error:
        raise PayloadError(f"{field}: {error}") from None


def read_customer(record: reading.Record) -> Customer | None:
    """The buyer, under the address that Amazon forwards; only for applications with a restricted role."""
    buyer = reading.read_record(record, "BuyerInfo")
    email, name = reading.read_text(buyer, "BuyerEmail"), reading.read_text(buyer, "BuyerName")
    return Customer(None, name, email, None) if email or name else None


def read_address(record: reading.Record) -> Address | None:
    if not record:
        return None
    second, third = reading.read_text(record, "AddressLine2"), reading.read_text(record, "AddressLine3")
    return Address(
        name=reading.read_text(record, "Name"),
        company=reading.read_text(record, "CompanyName"),
        line1=reading.read_text(record, "AddressLine1"),
        line2=", ".join(line for line in (second, third) if line) or None,
        city=reading.read_text(record, "City"),
        region=reading.read_text(record, "StateOrRegion"),
        postal_code=reading.read_text(record, "PostalCode"),
        country=reading.read_text(record, "CountryCode"),
        phone=reading.read_text(record, "Phone"),
    )


def _read_item(record: reading.Record, place: int) -> OrderItem:
    """One line. Amazon's ItemPrice is for the whole quantity; a line that was cancelled has neither."""
    try:
        external_id = reading.need_id(record, "OrderItemId")
        quantity = reading.need_decimal(record, "QuantityOrdered")
        price, discount, tax = (read_money(record, field)[0] for field in ("ItemPrice", "PromotionDiscount", "ItemTax"))
    except PayloadError as error:
        raise PayloadError(f"items[{place}]: {error}") from None
    sku = reading.read_text(record, "SellerSKU")
    return OrderItem(
        external_id=external_id,
        sku=sku,
        name=reading.read_text(record, "Title") or sku or external_id,
        quantity=quantity,
        unit_price=price / quantity if price is not None and quantity else Decimal(0),
        discount=discount,
        tax=tax,
        total=None if price is None else reading.EXACT.subtract(price, discount or Decimal(0)),
    )


def _read_shipping(record: reading.Record, amount: Decimal | None, tax: Decimal | None) -> tuple[ShippingLine, ...]:
    if amount is None:
        return ()
    return (ShippingLine(reading.read_text(record, "ShipServiceLevel"), amount, tax),)


def _find_currency(record: reading.Record, lines: Sequence[reading.Record]) -> str:
    for line in lines:
        _, currency = read_money(line, "ItemPrice")
        if currency:
            return currency
    known = CURRENCIES.get(reading.read_text(record, "MarketplaceId") or "")
    if known is None:
        raise PayloadError("the order has no amount, and its MarketplaceId is none whose currency is known")
    return known


def _add(lines: Sequence[reading.Record], field: str) -> Decimal | None:
    return _add_up([read_money(line, field)[0] for line in lines])


def _add_up(amounts: Sequence[Decimal | None]) -> Decimal | None:
    return reading.add_exactly(amount for amount in amounts if amount is not None)


def _negate(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount
