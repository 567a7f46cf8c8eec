"""The inbox: deliveries as they came, each exactly once, until a drain has made orders of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.store.arrays import plain_array, text_array
from app.store.pool import Cursor, Pool

MAX_ATTEMPTS = 5
# Seconds until the next try, by tries so far: 15 s in all, so that a poison delivery is out of the way soon.
RETRY_DELAYS_S = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A verified delivery on its way into the inbox."""

    channel: str
    delivery_id: str
    topic: str
    request_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """An inbox row that this transaction holds."""

    id: int
    channel: str
    delivery_id: str
    topic: str
    request_id: str
    payload: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed delivery: created, updated, stale, attached or ignored."""

    inbox_id: int
    order_id: int | None
    result: str


_INSERT = """
INSERT INTO inbox (channel, delivery_id, topic, request_id, payload)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
ON CONFLICT ON CONSTRAINT inbox_delivery DO NOTHING
RETURNING channel, delivery_id
"""


def insert_deliveries(pool: Pool, deliveries: Sequence[NewDelivery]) -> set[tuple[str, str]]:
    """Write all of them with one statement and one commit; return the (channel, delivery id) that were new.

    When this returns, each delivery is durable, by this call or by an earlier one, and where there is a synchronous
    replica, on that, too. Raises StoreRejected when one of them cannot be held by PostgreSQL (none is written then),
    PoolTimeout and StoreUnavailable when it is not known whether they were written.
    """
    # one sequence of keys for everybody: two instances that write the same ones cannot block each other
    deliveries = sorted(deliveries, key=lambda one: (one.channel, one.delivery_id))
    with pool.autocommit("accept") as cursor:
        cursor.execute(
            _INSERT,
            (
                text_array(one.channel for one in deliveries),
                text_array(one.delivery_id for one in deliveries),
                text_array(one.topic for one in deliveries),
                text_array(one.request_id for one in deliveries),
                text_array(one.payload for one in deliveries),
            ),
        )
        new = set(cursor.fetchall())
        if len(new) < len(deliveries):
            cursor.execute(_CONFIRM)
        return new


# A duplicate writes nothing, so its commit waits for no replica; yet the commit that it repeats may have been cut short
# in that wait. A message in the log does wait, and whatever is before it in the log is then on the replica, too.
_CONFIRM = """
SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''
       THEN pg_logical_emit_message(true, 'palmonas', '') END
"""

MAX_CLAIM_BYTES = 4 << 20  # of payloads: what a worker can parse and write well within its timeouts

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, channel, delivery_id, topic, request_id, payload, attempts
    FROM inbox
    WHERE state = 'pending' AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
    ORDER BY id
    LIMIT %s
    FOR UPDATE SKIP LOCKED
), measured AS (
    SELECT *, sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload) AS bytes_before FROM due
)
SELECT id, channel, delivery_id, topic, request_id, payload, attempts
FROM measured WHERE bytes_before < %s ORDER BY id
"""


def claim_deliveries(cursor: Cursor, limit: int) -> list[ClaimedDelivery]:
    """Lock up to `limit` deliveries that are due and that nobody else works on, oldest first.

    Returns no more of them than hold MAX_CLAIM_BYTES, and one at least; the others stay pending.
    """
    cursor.execute(_CLAIM, (limit, MAX_CLAIM_BYTES))
    return [ClaimedDelivery(*row) for row in cursor.fetchall()]


_FINISH = """
UPDATE inbox SET state = 'done', finished_at = clock_timestamp(), next_attempt_at = NULL, error = NULL,
       order_id = done.order_id, result = done.result, job_id = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS done (id, order_id, result)
WHERE inbox.id = done.id
RETURNING inbox.channel, inbox.origin, done.result,
          extract(epoch FROM inbox.finished_at - inbox.received_at)::float8
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """A delivery that is stored; `origin` is webhook or poll, `seconds` the time since it was accepted."""

    channel: str
    origin: str
    result: str
    seconds: float


def finish_deliveries(cursor: Cursor, outcomes: Sequence[Outcome], job_id: str) -> list[Finished]:
    """Mark deliveries as stored."""
    if not outcomes:
        return []
    cursor.execute(
        _FINISH,
        (
            job_id,
            plain_array(one.inbox_id for one in outcomes),
            plain_array(one.order_id for one in outcomes),
            text_array(one.result for one in outcomes),
        ),
    )
    return [Finished(*row) for row in cursor.fetchall()]


_CHARGE = """
UPDATE inbox SET attempts = attempts + 1, error = %s, job_id = %s,
       state = CASE WHEN attempts + 1 >= %s THEN 'quarantined' ELSE 'pending' END,
       finished_at = CASE WHEN attempts + 1 >= %s THEN clock_timestamp() END,
       next_attempt_at = CASE WHEN attempts + 1 < %s
           THEN clock_timestamp() + (%s::int[])[attempts + 1] * interval '1 second' END
WHERE id = %s
RETURNING state = 'quarantined'
"""


def charge_attempt(cursor: Cursor, inbox_id: int, error: str, job_id: str) -> bool:
    """Count a failed try of one delivery; True when it was the last one and the delivery is now in quarantine."""
    cursor.execute(_CHARGE, (error, job_id, MAX_ATTEMPTS, MAX_ATTEMPTS, MAX_ATTEMPTS, list(RETRY_DELAYS_S), inbox_id))
    row = cursor.fetchone()
    return bool(row and row[0])


_ABANDONED = """
SELECT 1 FROM inbox
WHERE state = 'pending' AND coalesce(next_attempt_at, received_at + %s * interval '1 second') <= clock_timestamp()
ORDER BY id LIMIT 1
FOR UPDATE SKIP LOCKED
"""


def has_abandoned(pool: Pool, age_s: float) -> bool:
    """True when a due delivery older than `age_s` is held by nobody: its doorbell was lost, or its worker died."""
    with pool.transaction("sweep_inbox") as cursor:
        cursor.execute(_ABANDONED, (age_s,))
        return cursor.fetchone() is not None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows (counted up to the cap) and the age of the oldest in seconds, 0 when there is none."""

    rows: int
    oldest_age_s: float


BACKLOG_CAP = 100_000  # an exact count of a huge backlog would cost more than it tells


def read_backlog(cursor: Cursor, table: str, time_column: str) -> Backlog:
    """Backlog of `inbox` or `outbox`, bounded work: the partial index over pending rows, at most the cap of it."""
    cursor.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE state = 'pending' LIMIT {BACKLOG_CAP}) AS capped"
    )
    rows = int(cursor.fetchone()[0])
    cursor.execute(
        f"SELECT extract(epoch FROM clock_timestamp() - {time_column})::float8"
        f" FROM {table} WHERE state = 'pending' ORDER BY id LIMIT 1"
    )
    oldest = cursor.fetchone()
    return Backlog(rows, max(0.0, float(oldest[0])) if oldest else 0.0)


def count_quarantined(cursor: Cursor) -> int:
    """Deliveries in quarantine, counted up to the cap."""
    cursor.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM inbox WHERE state = 'quarantined' LIMIT {BACKLOG_CAP}) AS capped"
    )
    return int(cursor.fetchone()[0])


_STATES = """
SELECT channel, delivery_id, state FROM inbox
JOIN unnest(%s::text[], %s::text[]) AS wanted (channel, delivery_id) USING (channel, delivery_id)
"""


def read_states(pool: Pool, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The state of each delivery, by channel and delivery id; one that is not in the inbox is left out."""
    with pool.autocommit("read_states") as cursor:
        cursor.execute(_STATES, (text_array(one for one, _ in keys), text_array(one for _, one in keys)))
        return {(channel, delivery_id): state for channel, delivery_id, state in cursor.fetchall()}


_PRUNE = """
WITH old AS (
    SELECT id FROM inbox
    WHERE received_at < now() - %s * interval '1 day' AND state = ANY(%s)
    LIMIT %s FOR UPDATE SKIP LOCKED
)
DELETE FROM inbox USING old WHERE inbox.id = old.id
"""


FINISHED = ("done", "discarded")


def count_old_quarantined(pool: Pool, retention_days: int) -> int:
    """Deliveries in quarantine past their retention, counted up to the cap."""
    with pool.autocommit("count_old") as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM inbox WHERE state = 'quarantined'"
            " AND received_at < now() - %s * interval '1 day' LIMIT %s) AS capped",
            (retention_days, BACKLOG_CAP),
        )
        return int(cursor.fetchone()[0])


def prune_deliveries(pool: Pool, retention_days: int, batch: int, states: Sequence[str] = FINISHED) -> int:
    """Delete at most `batch` deliveries past their retention; return how many were deleted.

    One in quarantine may be an order that nobody has: it goes only when `states` names it.
    """
    with pool.transaction("prune") as cursor:
        cursor.execute(_PRUNE, (retention_days, list(states), batch))
        deleted: Any = cursor.rowcount
        return int(deleted)
