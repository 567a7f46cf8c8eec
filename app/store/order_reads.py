"""Reads of orders: pages by key, and one order with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.config import ALL_CHANNELS
from app.errors import Malformed
from app.store.pool import Cursor, Pool

Row = dict[str, Any]

SUMMARY = (
    "id, channel, external_id, number, status, progress, channel_status, placed_at, currency, total,"
    " customer_name, customer_email, revision, created_at, updated_at"
)
# What an order's page shows of each kind at most: an order that is synced for years must not grow for ever.
MAX_RELATED = 500


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a page of orders is narrowed to; None does not narrow. Times: from inclusive, to exclusive."""

    channel: str | None = None
    status: str | None = None
    channel_status: str | None = None
    text: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageKey:
    """Place of the last order of a page in the order of the list."""

    placed_at: datetime
    id: int


def list_orders(pool: Pool, wanted: OrderFilter, *, after: PageKey | None, limit: int) -> list[Row]:
    """Newest by placed-at first, then by id. At most `limit` rows, each by the names of SUMMARY.

    Raises Malformed when the text matches too much.
    """
    conditions, values = _build_conditions(wanted)
    if after:
        conditions.append("(placed_at, id) < (%(after_placed_at)s, %(after_id)s)")
        values |= {"after_placed_at": after.placed_at, "after_id": after.id}
    with pool.autocommit("list_orders") as cursor:
        if wanted.text is not None:
            conditions.append("id = ANY(%(ids)s::bigint[])")
            values["ids"] = _search_text(cursor, wanted.text)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        cursor.execute(
            f"SELECT {SUMMARY} FROM orders {where} ORDER BY placed_at DESC, id DESC LIMIT %(limit)s",
            values | {"limit": limit},
        )
        return _read_rows(cursor)


def _build_conditions(wanted: OrderFilter) -> tuple[list[str], dict[str, Any]]:
    conditions = []
    values: dict[str, Any] = {}
    for column in ("channel", "status", "channel_status"):
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(f"{column} = %({column})s")
            values[column] = value
    if wanted.placed_from is not None:
        conditions.append("placed_at >= %(placed_from)s")
        values["placed_from"] = wanted.placed_from
    if wanted.placed_to is not None:
        conditions.append("placed_at < %(placed_to)s")
        values["placed_to"] = wanted.placed_to
    return conditions, values


# More matches than this are refused: the newest of them can be millions of orders down the list.
MAX_MATCHES = 5000

# What a text may match, each by an index of its own. The order is the index's: so the planner takes the index,
# whatever it guesses of the prefix, and stops at the limit.
_TEXT_SEARCH = " UNION ALL ".join(
    f"(SELECT id FROM orders WHERE {match} LIMIT {MAX_MATCHES + 1})"
    for match in (
        "left(lower(number), 200) LIKE lower(%(prefix)s) ORDER BY left(lower(number), 200) USING ~<~",
        "left(lower(number), 200) LIKE lower(%(hash_prefix)s) ORDER BY left(lower(number), 200) USING ~<~",
        "left(lower(customer_email), 200) LIKE lower(%(prefix)s) ORDER BY left(lower(customer_email), 200) USING ~<~",
        "left(lower(customer_name), 200) LIKE lower(%(prefix)s) ORDER BY left(lower(customer_name), 200) USING ~<~",
        "channel = ANY(%(channels)s) AND external_id = %(text)s",
    )
)


def _search_text(cursor: Cursor, text: str) -> list[int]:
    """Ids of the orders that match. Raises Malformed when there are more than MAX_MATCHES.

    Apart from the page's statement, because the planner, left to guess how rare a prefix is, walks the whole
    list for a handful of matches.
    """
    prefix = escape_like(text) + "%"
    values = {"text": text, "prefix": prefix, "hash_prefix": f"#{prefix}", "channels": list(ALL_CHANNELS)}
    cursor.execute(f"SELECT id FROM ({_TEXT_SEARCH}) AS found LIMIT {MAX_MATCHES + 1}", values)
    ids = [int(row[0]) for row in cursor.fetchall()]
    if len(ids) > MAX_MATCHES:
        raise Malformed(f"text: more than {MAX_MATCHES} orders match; write more of it")
    return ids


def escape_like(text: str) -> str:
    """`text` so that LIKE takes every character of it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# Kind of row to its statement; the newest MAX_RELATED of each, oldest first.
_RELATED = {
    "items": "SELECT position, external_id, sku, name, quantity, unit_price, discount, tax, total"
    " FROM order_items WHERE order_id = %s ORDER BY position LIMIT %s",
    "refunds": "SELECT external_id, amount, currency, reason, refunded_at, lines"
    " FROM refunds WHERE order_id = %s ORDER BY id LIMIT %s",
    "fulfillments": "SELECT external_id, status, carrier, tracking_numbers, tracking_urls, version, lines"
    " FROM fulfillments WHERE order_id = %s ORDER BY id LIMIT %s",
    "pushes": "SELECT * FROM (SELECT id, payload ->> 'status' AS status, state, created_at, finished_at, attempts,"
    " error AS last_error FROM outbox WHERE order_id = %s ORDER BY id DESC LIMIT %s) AS newest ORDER BY id",
    "events": "SELECT * FROM (SELECT id, at, type, actor, from_value, to_value, request_id, detail"
    " FROM order_events WHERE order_id = %s ORDER BY id DESC LIMIT %s) AS newest ORDER BY id",
}
_DELIVERIES = (
    "SELECT * FROM (SELECT id, delivery_id, topic, received_at, finished_at, request_id, job_id, state,"
    " result{payload} FROM inbox WHERE order_id = %s ORDER BY id DESC LIMIT %s) AS newest ORDER BY id"
)
_ORDER = (
    f"SELECT {SUMMARY}, NULLIF(channel_version, '0001-01-01 00:00:00+00') AS channel_version, subtotal,"
    " discount_total, shipping_total, tax_total, prices_include_tax, customer_external_id, customer_phone,"
    " billing_address, shipping_address, discounts, shipping_lines, note FROM orders WHERE id = %s"
)


def read_order(pool: Pool, order_id: int, *, with_payloads: bool, most: int = MAX_RELATED) -> Row | None:
    """An order and all that belongs to it, at most `most` of each kind: `items`, `refunds`, `fulfillments`, `pushes`,
    `events`, `deliveries`.

    One snapshot: the parts fit the revision. None when there is no such order.
    """
    with pool.transaction("read_order") as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(_ORDER, (order_id,))
        rows = _read_rows(cursor)
        if not rows:
            return None
        order = rows[0]
        deliveries = _DELIVERIES.format(payload=", payload" if with_payloads else "")
        for kind, statement in (*_RELATED.items(), ("deliveries", deliveries)):
            cursor.execute(statement, (order_id, most))
            order[kind] = _read_rows(cursor)
    return order


CHANNEL_COUNT_CAP = 10_000  # an exact count of a huge backlog would cost more than it tells

_LAST_ORDERS = """
SELECT names.channel, newest.id, newest.placed_at, newest.created_at
FROM unnest(%s::text[]) AS names (channel) LEFT JOIN LATERAL (
    SELECT id, placed_at, created_at FROM orders WHERE orders.channel = names.channel
    ORDER BY placed_at DESC, id DESC LIMIT 1
) AS newest ON true
"""
_WAITING = """
SELECT channel, state, count(*) FROM (
    (SELECT channel, state FROM inbox WHERE state = 'pending' LIMIT %s)
    UNION ALL (SELECT channel, state FROM inbox WHERE state = 'quarantined' LIMIT %s)
) AS waiting GROUP BY channel, state
"""


def summarize_channels(pool: Pool, channels: Sequence[str]) -> list[Row]:
    """For each channel its newest order and its rows in the inbox that are pending and quarantined.

    Bounded work: one index look-up a channel, and at most CHANNEL_COUNT_CAP rows of each state in all.
    """
    with pool.transaction("summarize_channels") as cursor:
        cursor.execute(_LAST_ORDERS, (list(channels),))
        last_orders = cursor.fetchall()
        cursor.execute(_WAITING, (CHANNEL_COUNT_CAP, CHANNEL_COUNT_CAP))
        counts = {(channel, state): count for channel, state, count in cursor.fetchall()}
    return [
        {
            "name": channel,
            "last_order_id": order_id,
            "last_order_placed_at": placed_at,
            "last_order_received_at": created_at,
            "pending": counts.get((channel, "pending"), 0),
            "quarantined": counts.get((channel, "quarantined"), 0),
        }
        for channel, order_id, placed_at, created_at in last_orders
    ]


def _read_rows(cursor: Cursor) -> list[Row]:
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
