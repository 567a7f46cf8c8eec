"""Set-based writes of the drain: each function is one or two statements, however many orders there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.errors import PalmonasError
from app.model import NEVER_SEEN, Order, Standing, Version
from app.store.arrays import dump_json, make_columns, make_unnest, text_array
from app.store.pool import Cursor

OrderKey = tuple[str, str]  # channel, external id


class RaceLost(PalmonasError):
    """Another worker created one of these orders meanwhile; do it again with what now stands."""


@contextmanager
def savepoint(cursor: Cursor) -> Iterator[None]:
    """Undo the block alone when it raises, and go on with the transaction."""
    cursor.execute("SAVEPOINT part")
    try:
        yield
    except PalmonasError:
        cursor.execute("ROLLBACK TO SAVEPOINT part")
        raise
    cursor.execute("RELEASE SAVEPOINT part")


_STANDINGS = """
SELECT orders.id, orders.channel, orders.external_id,
       channel_version, channel_rank, channel_delivery, channel_status, progress
FROM orders JOIN unnest(%s::text[], %s::text[]) AS wanted (channel, external_id)
  ON orders.channel = wanted.channel AND orders.external_id = wanted.external_id
ORDER BY orders.id
FOR UPDATE OF orders
"""


def lock_standings(cursor: Cursor, keys: Sequence[OrderKey]) -> dict[OrderKey, Standing]:
    """Lock the orders that exist, in one fixed sequence so that two drains cannot block each other."""
    cursor.execute(_STANDINGS, (text_array(key[0] for key in keys), text_array(key[1] for key in keys)))
    return {
        (row[1], row[2]): Standing(row[0], Version(row[3], row[4], row[5]), row[6], row[7]) for row in cursor.fetchall()
    }


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("channel", "text"),
    ("external_id", "text"),
    ("number", "text"),
    ("channel_status", "text"),
    ("channel_version", "timestamptz"),
    ("channel_rank", "smallint"),
    ("channel_delivery", "text"),
    ("placed_at", "timestamptz"),
    ("currency", "text"),
    ("subtotal", "numeric"),
    ("discount_total", "numeric"),
    ("shipping_total", "numeric"),
    ("tax_total", "numeric"),
    ("total", "numeric"),
    ("prices_include_tax", "boolean"),
    ("customer_external_id", "text"),
    ("customer_name", "text"),
    ("customer_email", "text"),
    ("customer_phone", "text"),
    ("billing_address", "json"),
    ("shipping_address", "json"),
    ("discounts", "json"),
    ("shipping_lines", "json"),
    ("note", "text"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_KINDS = [kind for _, kind in _COLUMNS]

_INSERT_ORDERS = f"""
INSERT INTO orders ({_NAMES}) SELECT * FROM {make_unnest(_KINDS)}
ON CONFLICT ON CONSTRAINT orders_channel_external DO NOTHING
RETURNING channel, external_id, id
"""

_UPDATE_ORDERS = f"""
UPDATE orders SET {", ".join(f"{name} = new.{name}" for name, _ in _COLUMNS[2:])},
       revision = revision + 1, updated_at = clock_timestamp()
FROM {make_unnest(_KINDS)} AS new ({_NAMES})
WHERE orders.channel = new.channel AND orders.external_id = new.external_id
"""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it shall stand, with the version that makes it stand."""

    channel: str
    order: Order
    version: Version

    @property
    def key(self) -> OrderKey:
        return (self.channel, self.order.external_id)


def _order_values(row: OrderRow) -> tuple[Any, ...]:
    order, customer = row.order, row.order.customer
    return (
        row.channel,
        order.external_id,
        order.number,
        order.channel_status,
        row.version.time,
        row.version.rank,
        row.version.delivery_id,
        order.placed_at,
        order.currency,
        order.subtotal,
        order.discount_total,
        order.shipping_total,
        order.tax_total,
        order.total,
        order.prices_include_tax,
        customer.external_id if customer else None,
        customer.name if customer else None,
        customer.email if customer else None,
        customer.phone if customer else None,
        dump_json(order.billing_address) if order.billing_address else None,
        dump_json(order.shipping_address) if order.shipping_address else None,
        dump_json(order.discounts),
        dump_json(order.shipping_lines),
        order.note,
    )


def insert_orders(cursor: Cursor, rows: Sequence[OrderRow]) -> dict[OrderKey, int]:
    """Create orders that were not there; return their ids. Raises RaceLost when one of them is there now."""
    if not rows:
        return {}
    ordered = sorted(rows, key=lambda row: row.key)
    cursor.execute(_INSERT_ORDERS, make_columns(map(_order_values, ordered), _KINDS))
    ids = {(channel, external_id): order_id for channel, external_id, order_id in cursor.fetchall()}
    if len(ids) < len(rows):
        raise RaceLost("another worker created one of these orders")
    return ids


def update_orders(cursor: Cursor, rows: Sequence[OrderRow]) -> None:
    """Replace what the channel says about orders that this transaction has locked."""
    if rows:
        cursor.execute(_UPDATE_ORDERS, make_columns(map(_order_values, rows), _KINDS))


def touch_orders(cursor: Cursor, ids: Sequence[int]) -> None:
    """What belongs to these orders has changed: whoever read them before must read them again."""
    if ids:
        cursor.execute(
            "UPDATE orders SET revision = revision + 1, updated_at = clock_timestamp() WHERE id = ANY(%s)", (list(ids),)
        )


_INSERT_STUBS = """
INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank,
                    channel_delivery, placed_at)
SELECT channel, external_id, external_id, 'unknown', %s, 0, '', clock_timestamp()
FROM unnest(%s::text[], %s::text[]) AS missing (channel, external_id)
ON CONFLICT ON CONSTRAINT orders_channel_external DO NOTHING
RETURNING channel, external_id, id
"""


def insert_stubs(cursor: Cursor, keys: Sequence[OrderKey]) -> dict[OrderKey, int]:
    """Orders known only by a refund or a fulfilment that overtook them; any real version replaces them."""
    if not keys:
        return {}
    ordered = sorted(keys)
    cursor.execute(_INSERT_STUBS, (NEVER_SEEN, [key[0] for key in ordered], [key[1] for key in ordered]))
    ids = {(channel, external_id): order_id for channel, external_id, order_id in cursor.fetchall()}
    if len(ids) < len(keys):
        raise RaceLost("another worker created one of these orders")
    return ids


_ITEM_KINDS = ["bigint", "int", "text", "text", "text", *["numeric"] * 5]


def replace_items(cursor: Cursor, orders: Sequence[tuple[int, Order]], existed: Sequence[int]) -> None:
    """Write the items of orders; those of `existed` order ids are removed first."""
    if existed:
        cursor.execute("DELETE FROM order_items WHERE order_id = ANY(%s)", (list(existed),))
    rows = [
        (
            order_id,
            position,
            item.external_id,
            item.sku,
            item.name,
            item.quantity,
            item.unit_price,
            item.discount,
            item.tax,
            item.total,
        )
        for order_id, order in orders
        for position, item in enumerate(order.items)
    ]
    if rows:
        cursor.execute(
            "INSERT INTO order_items (order_id, position, external_id, sku, name, quantity, unit_price, discount,"
            f" tax, total) SELECT * FROM {make_unnest(_ITEM_KINDS)}",
            make_columns(rows, _ITEM_KINDS),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One line in an order's life. `actor` is `channel:<name>` or `token:<name>`."""

    order_id: int
    type: str
    actor: str
    from_value: str | None
    to_value: str | None
    request_id: str
    detail: str | None = None


_EVENT_KINDS = ["bigint", *["text"] * 6]


def insert_events(cursor: Cursor, events: Sequence[Event]) -> None:
    if events:
        rows = [
            (one.order_id, one.type, one.actor, one.from_value, one.to_value, one.request_id, one.detail)
            for one in events
        ]
        cursor.execute(
            "INSERT INTO order_events (order_id, type, actor, from_value, to_value, request_id, detail)"
            f" SELECT * FROM {make_unnest(_EVENT_KINDS)}",
            make_columns(rows, _EVENT_KINDS),
        )
