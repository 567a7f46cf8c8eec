"""Erasing: what names a person goes; money, items, states and times stay, which bookkeeping needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.store.arrays import plain_array, text_array
from app.store.pool import Cursor
from app.store.privacy import Person

ERASED_PAYLOAD = '{"erased": true}'  # in the place of a raw payload


class Erased(NamedTuple):
    orders: int
    payloads: int


_LOCK = "SELECT id FROM orders WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
_EVENTS = """
INSERT INTO order_events (order_id, type, actor, request_id)
SELECT id, 'personal_data_erased', %s, %s FROM orders WHERE id = ANY(%s::bigint[]) AND erased_at IS NULL
"""
_ORDERS = """
UPDATE orders SET customer_external_id = NULL, customer_name = NULL, customer_email = NULL, customer_phone = NULL,
       billing_address = NULL, shipping_address = NULL, note = NULL,
       erased_at = coalesce(erased_at, clock_timestamp()), revision = revision + 1, updated_at = clock_timestamp()
WHERE id = ANY(%s::bigint[])
"""
_BELONGINGS = (
    "UPDATE refunds SET reason = NULL WHERE order_id = ANY(%s::bigint[]) AND reason IS NOT NULL",
    "UPDATE fulfillments SET tracking_numbers = '[]', tracking_urls = '[]' WHERE order_id = ANY(%s::bigint[])"
    " AND (tracking_numbers::text <> '[]' OR tracking_urls::text <> '[]')",
    # the state to tell the channel stays; a tracking number, which leads to the door, goes
    "UPDATE outbox SET payload = json_build_object('status', payload -> 'status') WHERE order_id = ANY(%s::bigint[])",
)
_PAYLOADS = "UPDATE inbox SET payload = %s WHERE order_id = ANY(%s::bigint[]) AND payload <> %s"


def erase_orders(cursor: Cursor, order_ids: Sequence[int], actor: str, request_id: str) -> Erased:
    """Take the personal data out of orders, of what belongs to them and of their raw payloads.

    For a bounded number of orders: one transaction holds them. Doing it again does no harm.
    """
    ids = plain_array(order_ids)
    cursor.execute(_LOCK, (ids,))
    cursor.execute(_EVENTS, (actor, request_id, ids))
    cursor.execute(_ORDERS, (ids,))
    orders = int(cursor.rowcount)
    for statement in _BELONGINGS:
        cursor.execute(statement, (ids,))
    cursor.execute(_PAYLOADS, (ERASED_PAYLOAD, ids, ERASED_PAYLOAD))
    return Erased(orders, int(cursor.rowcount))


_NAMES = "SELECT external_id FROM orders WHERE id = ANY(%s::bigint[]) ORDER BY id"


def read_external_ids(cursor: Cursor, order_ids: Sequence[int]) -> list[str]:
    cursor.execute(_NAMES, (plain_array(order_ids),))
    return [str(row[0]) for row in cursor.fetchall()]


# A delivery in quarantine cannot be replayed without its payload: it is given up.
_SCRUB = """
UPDATE inbox SET payload = %s,
       error = CASE WHEN state = 'quarantined' THEN 'the personal data in it was to be erased' ELSE error END,
       state = CASE WHEN state = 'quarantined' THEN 'discarded' ELSE state END
WHERE id = ANY(%s::bigint[]) AND payload <> %s AND state <> 'pending'
"""


def scrub_deliveries(cursor: Cursor, inbox_ids: Sequence[int]) -> int:
    """Take the raw payloads out of inbox rows; one in quarantine is discarded. Returns how many there were.

    A pending row keeps its payload until it is stored: that drain takes it out.
    """
    if not inbox_ids:
        return 0
    cursor.execute(_SCRUB, (ERASED_PAYLOAD, plain_array(inbox_ids), ERASED_PAYLOAD))
    return int(cursor.rowcount)


_OF_PERSON = """
SELECT orders.id FROM (
    SELECT id FROM orders WHERE channel = %(channel)s AND external_id = ANY(%(orders)s::text[])
    UNION
    SELECT id FROM orders
    WHERE channel = %(channel)s AND left(customer_external_id, 200) = left(%(customer)s, 200)
      AND customer_external_id = %(customer)s
      AND (%(placed_before)s::timestamptz IS NULL OR placed_at < %(placed_before)s)
    UNION
    SELECT id FROM orders
    WHERE channel = %(channel)s AND left(lower(customer_email), 200) = left(lower(%(email)s), 200)
      AND lower(customer_email) = lower(%(email)s)
      AND (%(placed_before)s::timestamptz IS NULL OR placed_at < %(placed_before)s)
) AS found JOIN orders USING (id)
WHERE orders.id > %(after)s AND (%(erased_too)s OR orders.erased_at IS NULL)
ORDER BY orders.id LIMIT %(limit)s
"""


def find_orders(
    cursor: Cursor,
    channel: str,
    person: Person,
    *,
    placed_before: datetime | None = None,
    after: int = 0,
    limit: int,
    erased_too: bool = False,
) -> list[int]:
    """Ids of a person's orders, ascending: by the customer's id, the e-mail address, and those that are named."""
    cursor.execute(
        _OF_PERSON,
        {
            "channel": channel,
            "orders": text_array(person.order_external_ids),
            "customer": person.customer_external_id,
            "email": person.email.strip() if person.email else None,
            "placed_before": placed_before,
            "after": after,
            "erased_too": erased_too,
            "limit": limit,
        },
    )
    return [int(row[0]) for row in cursor.fetchall()]


def find_orders_of_shop(cursor: Cursor, channel: str, placed_before: datetime, after: int, until: int) -> list[int]:
    """Ids of a channel's orders above `after` and up to `until`."""
    cursor.execute(
        "SELECT id FROM orders WHERE id > %s AND id <= %s AND channel = %s AND placed_at < %s AND erased_at IS NULL"
        " ORDER BY id",
        (after, until, channel, placed_before),
    )
    return [int(row[0]) for row in cursor.fetchall()]


def scrub_shop(cursor: Cursor, channel: str, received_before: datetime, after: int, until: int) -> int:
    """Scrub the deliveries of a channel that belong to no order, by their place in the inbox."""
    cursor.execute(
        "SELECT id FROM inbox WHERE id > %s AND id <= %s AND channel = %s AND received_at < %s"
        " AND order_id IS NULL AND state <> 'pending'",
        (after, until, channel, received_before),
    )
    return scrub_deliveries(cursor, [int(row[0]) for row in cursor.fetchall()])


MAX_BYTES = 4 << 20  # of payloads in one transaction

_UNBOUND = """
WITH measured AS (
    SELECT id, received_at, payload, count(*) OVER () AS total,
           sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload) AS bytes_before
    FROM inbox
    WHERE id > %s AND id <= %s AND channel = %s AND order_id IS NULL AND payload <> %s
      AND (%s OR state <> 'pending')
)
SELECT id, received_at, payload, total FROM measured WHERE bytes_before < %s ORDER BY id
"""


def read_unbound(
    cursor: Cursor, channel: str, after: int, until: int, *, with_pending: bool
) -> tuple[list[tuple[int, datetime, str]], int]:
    """(id, time of receipt, payload) of deliveries that belong to no order, and the id up to which all were read."""
    cursor.execute(_UNBOUND, (after, until, channel, ERASED_PAYLOAD, with_pending, MAX_BYTES))
    rows = cursor.fetchall()
    is_cut = bool(rows) and len(rows) < rows[0][3]
    return [(int(row[0]), row[1], row[2]) for row in rows], int(rows[-1][0]) if is_cut else until


def read_span(cursor: Cursor, table: str) -> tuple[int, int]:
    """The id before the first of `inbox` or `orders`, and the last; (0, 0) when it is empty."""
    cursor.execute(f"SELECT coalesce(min(id) - 1, 0), coalesce(max(id), 0) FROM {table}")
    first, last = cursor.fetchone()
    return int(first), int(last)


_IS_ERASED = """
SELECT 1 FROM inbox, erased_subjects AS erased
WHERE inbox.id = %s AND erased.channel = inbox.channel
  AND (erased.subject = ANY(%s::text[])
       OR (erased.subject = ANY(%s::text[]) AND inbox.received_at < erased.erased_at))
LIMIT 1
"""


def is_delivery_erased(cursor: Cursor, inbox_id: int, orders: Sequence[str], persons: Sequence[str]) -> bool:
    """True when one of the order tombstones is there, or one of a person's that is younger than the delivery."""
    cursor.execute(_IS_ERASED, (inbox_id, text_array(orders), text_array(persons)))
    return cursor.fetchone() is not None
