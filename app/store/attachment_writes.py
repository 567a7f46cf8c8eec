"""Set-based writes of what belongs to orders and has keys of its own: refunds and fulfilments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from app.model import Fulfillment, Refund
from app.store.arrays import dump_json, make_columns, make_unnest
from app.store.pool import Cursor

_REFUND_KINDS = ["bigint", "text", "numeric", "text", "text", "timestamptz", "json"]
_UPSERT_REFUNDS = f"""
INSERT INTO refunds (order_id, external_id, amount, currency, reason, refunded_at, lines)
SELECT * FROM {make_unnest(_REFUND_KINDS)}
-- a refund has no version: its amount only grows while its transactions succeed, so the larger one is the newer
ON CONFLICT ON CONSTRAINT refunds_external DO UPDATE SET amount = excluded.amount
WHERE refunds.amount < excluded.amount
RETURNING order_id, external_id, amount
"""


def upsert_refunds(cursor: Cursor, refunds: Sequence[tuple[int, Refund]]) -> list[tuple[int, str, Decimal]]:
    """Record refunds; return (order id, refund id, amount) of those that are new or have grown."""
    largest: dict[tuple[int, str], Refund] = {}
    for order_id, refund in refunds:
        known = largest.get((order_id, refund.external_id))
        if known is None or known.amount < refund.amount:
            largest[order_id, refund.external_id] = refund
    if not largest:
        return []
    rows = [
        (
            order_id,
            refund.external_id,
            refund.amount,
            refund.currency,
            refund.reason,
            refund.refunded_at,
            dump_json(refund.lines),
        )
        for (order_id, _), refund in sorted(largest.items())
    ]
    cursor.execute(_UPSERT_REFUNDS, make_columns(rows, _REFUND_KINDS))
    return [(order_id, external_id, amount) for order_id, external_id, amount in cursor.fetchall()]


_FULFILLMENT_KINDS = ["bigint", "text", "text", "text", "json", "json", "timestamptz", "json"]
_UPSERT_FULFILLMENTS = f"""
INSERT INTO fulfillments (order_id, external_id, status, carrier, tracking_numbers, tracking_urls, version, lines)
SELECT * FROM {make_unnest(_FULFILLMENT_KINDS)}
ON CONFLICT ON CONSTRAINT fulfillments_external DO UPDATE
SET status = excluded.status, carrier = excluded.carrier, tracking_numbers = excluded.tracking_numbers,
    tracking_urls = excluded.tracking_urls, version = excluded.version, lines = excluded.lines
WHERE (fulfillments.version, fulfillments.status) < (excluded.version, excluded.status)
RETURNING order_id, external_id, status
"""


def upsert_fulfillments(cursor: Cursor, fulfillments: Sequence[tuple[int, Fulfillment]]) -> list[tuple[int, str, str]]:
    """Record fulfilments, newest version wins; return (order id, fulfilment id, status) of those that changed."""
    newest: dict[tuple[int, str], Fulfillment] = {}
    for order_id, one in fulfillments:
        known = newest.get((order_id, one.external_id))
        if known is None or (known.version, known.status) < (one.version, one.status):
            newest[order_id, one.external_id] = one
    if not newest:
        return []
    rows = [
        (
            order_id,
            one.external_id,
            one.status,
            one.carrier,
            dump_json(one.tracking_numbers),
            dump_json(one.tracking_urls),
            one.version,
            dump_json(one.lines),
        )
        for (order_id, _), one in sorted(newest.items(), key=lambda entry: entry[0])
    ]
    cursor.execute(_UPSERT_FULFILLMENTS, make_columns(rows, _FULFILLMENT_KINDS))
    return [(order_id, external_id, status) for order_id, external_id, status in cursor.fetchall()]
