"""The outbox: messages to channels, written in the transaction that makes them necessary, sent by jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.store.arrays import dump_json
from app.store.pool import Cursor, Pool

# RQ moves a retry when it is due; the dispatcher steps in this much later, when RQ has lost it.
GRACE_S = 15


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that this worker has claimed."""

    id: int
    order_id: int
    order_external_id: str
    channel: str
    kind: str
    payload: dict[str, Any]
    request_id: str
    attempts: int
    created_at: datetime
    claimed_at: datetime

    @property
    def idempotency_key(self) -> str:
        """The same for every try, so that a channel that knows keys sees one message."""
        return f"palmonas-{self.id}"


def insert_message(
    cursor: Cursor, order_id: int, *, channel: str, kind: str, payload: dict[str, Any], request_id: str
) -> int:
    cursor.execute(
        "INSERT INTO outbox (order_id, channel, kind, payload, request_id) VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (order_id, channel, kind, dump_json(payload), request_id),
    )
    return int(cursor.fetchone()[0])


# A message waits for the earlier ones of its order: no channel may see `delivered` before `shipped`.
_IS_FIRST = """NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.order_id = outbox.order_id
                  AND earlier.id < outbox.id AND earlier.state = 'pending')"""


def list_unsent(pool: Pool, limit: int) -> list[tuple[int, datetime, float]]:
    """Messages that are due and that nobody works on, oldest first.

    Each with the time it fell due (a new one for every try, and after a worker that died) and the seconds since then.
    """
    with pool.transaction("sweep_outbox") as cursor:
        cursor.execute(
            "SELECT id, due_at, extract(epoch FROM clock_timestamp() - due_at)::float8 FROM ("
            " SELECT id, coalesce(next_attempt_at, last_attempt_at, created_at) AS due_at FROM outbox"
            " WHERE state = 'pending'"
            " AND (next_attempt_at IS NULL OR next_attempt_at + %s * interval '1 second' <= clock_timestamp())"
            f" AND {_IS_FIRST} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) AS due",
            (GRACE_S, limit),
        )
        return [(int(message_id), due_at, float(late_s)) for message_id, due_at, late_s in cursor.fetchall()]


_CLAIM = f"""
UPDATE outbox SET next_attempt_at = clock_timestamp() + %s * interval '1 second', last_attempt_at = clock_timestamp()
FROM orders
WHERE outbox.id = %s AND orders.id = outbox.order_id AND outbox.state = 'pending'
  AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp() + interval '1 second')
  AND {_IS_FIRST}
RETURNING outbox.id, outbox.order_id, orders.external_id, outbox.channel, kind, payload, request_id, attempts,
          outbox.created_at, last_attempt_at
"""


def claim_message(pool: Pool, message_id: int, lease_s: float) -> OutboxMessage | None:
    """Take one due message for `lease_s`; None when it is done, not due, or another worker has it.

    The claim is a time in the row and not a lock: no transaction stays open while a channel takes its time. A worker
    that dies leaves the message to the next one after the lease; the call itself is idempotent.
    """
    with pool.autocommit("claim_message") as cursor:
        cursor.execute(_CLAIM, (lease_s, message_id))
        row = cursor.fetchone()
        return OutboxMessage(*row) if row else None


def finish_message(cursor: Cursor, message_id: int) -> bool:
    """The channel knows; False when it was known already, to a worker that had taken the message over."""
    cursor.execute(
        "UPDATE outbox SET state = 'done', attempts = attempts + 1, finished_at = clock_timestamp(),"
        " last_attempt_at = clock_timestamp(), next_attempt_at = NULL, error = NULL WHERE id = %s AND state <> 'done'",
        (message_id,),
    )
    return bool(cursor.rowcount)


def charge_message(
    cursor: Cursor, message: OutboxMessage, error: str, *, final: bool, retry_delays_s: Sequence[int]
) -> bool | None:
    """Count a failed try; True when it was the last one and the message has failed for good.

    None, and nothing is written, when another worker has taken the message over: it may have been delivered since.
    There is one try more than there are delays.
    """
    tries = len(retry_delays_s) + 1
    cursor.execute(
        "UPDATE outbox SET attempts = attempts + 1, error = %s, last_attempt_at = clock_timestamp(),"
        " state = CASE WHEN %s OR attempts + 1 >= %s THEN 'failed' ELSE 'pending' END,"
        " finished_at = CASE WHEN %s OR attempts + 1 >= %s THEN clock_timestamp() END,"
        " next_attempt_at = clock_timestamp()"
        "   + (%s::int[])[least(attempts + 1, array_length(%s::int[], 1))] * interval '1 second'"
        " WHERE id = %s AND state = 'pending' AND last_attempt_at = %s RETURNING state = 'failed'",
        (
            *(error, final, tries, final, tries),
            *(list(retry_delays_s), list(retry_delays_s), message.id, message.claimed_at),
        ),
    )
    row = cursor.fetchone()
    return bool(row[0]) if row else None


_SHOWN = "id, order_id, channel, kind, state, attempts, created_at, last_attempt_at, error, request_id"


def list_failed(pool: Pool, limit: int) -> list[dict[str, Any]]:
    """Messages that could not be delivered, newest first."""
    with pool.autocommit("list_failed") as cursor:
        cursor.execute(f"SELECT {_SHOWN} FROM outbox WHERE state = 'failed' ORDER BY id DESC LIMIT %s", (limit,))
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def list_of_order(cursor: Cursor, order_id: int) -> list[dict[str, Any]]:
    """Every message about an order, oldest first, with what it says."""
    cursor.execute(f"SELECT {_SHOWN}, payload FROM outbox WHERE order_id = %s ORDER BY id", (order_id,))
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_IS_OVERTAKEN = """EXISTS (SELECT 1 FROM outbox AS later WHERE later.order_id = outbox.order_id
                      AND later.id > outbox.id AND later.state = 'done')"""


def replay_messages(pool: Pool, ids: Sequence[int]) -> list[int]:
    """Give failed messages all their tries again; return the ids of those.

    One stays failed when the channel was told of a later status of the order: an older one would take it back there.
    """
    with pool.transaction("replay_outbox") as cursor:
        cursor.execute(
            "UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = NULL, finished_at = NULL"
            f" WHERE id = ANY(%s) AND state = 'failed' AND NOT {_IS_OVERTAKEN} RETURNING id",
            (list(ids),),
        )
        return sorted(int(row[0]) for row in cursor.fetchall())


def count_failed(cursor: Cursor, cap: int) -> int:
    cursor.execute("SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 'failed' LIMIT %s) AS capped", (cap,))
    return int(cursor.fetchone()[0])
