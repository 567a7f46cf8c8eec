"""Where the work on a request to erase stands. Each step is the caller's transaction, and commits with its batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.store.pool import Cursor, Pool
from app.store.privacy import Person, read_person

LEASE_S = 90.0  # longer than a job may run


def list_due(pool: Pool, limit: int) -> list[tuple[int, int]]:
    """Requests to erase that nobody works on, with their runs so far."""
    with pool.autocommit("sweep_privacy") as cursor:
        cursor.execute(
            "SELECT id, runs FROM privacy_requests WHERE state = 'open' AND kind IN ('redact_customer', 'redact_shop')"
            " AND (next_run_at IS NULL OR next_run_at <= clock_timestamp()) ORDER BY id LIMIT %s",
            (limit,),
        )
        return [(int(request_id), int(runs)) for request_id, runs in cursor.fetchall()]


def claim_request(pool: Pool, request_id: int) -> bool:
    """Take a request that is due for LEASE_S; False when it is done, not due, or held."""
    with pool.autocommit("claim_privacy") as cursor:
        cursor.execute(
            "UPDATE privacy_requests SET runs = runs + 1, next_run_at = clock_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND state = 'open' AND kind IN ('redact_customer', 'redact_shop')"
            " AND (next_run_at IS NULL OR next_run_at <= clock_timestamp())",
            (LEASE_S, request_id),
        )
        return bool(cursor.rowcount)


def release_request(pool: Pool, request_id: int, next_in_s: float) -> None:
    """Let the dispatcher ask again, after so long."""
    with pool.autocommit("release_privacy") as cursor:
        cursor.execute(
            "UPDATE privacy_requests SET next_run_at = clock_timestamp() + %s * interval '1 second' WHERE id = %s",
            (next_in_s, request_id),
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A request to erase, held by this transaction. `erases_before` is when it was received."""

    id: int
    channel: str
    kind: str
    request_id: str
    person: Person
    erases_before: datetime
    phase: str
    walked: int
    orders_erased: int
    payloads_erased: int


def lock_work(cursor: Cursor, request_id: int) -> Work | None:
    """The request as it stands; None when it is done."""
    cursor.execute(
        "SELECT id, channel, kind, request_id, subject, received_at, phase, walked, orders_erased, payloads_erased"
        " FROM privacy_requests WHERE id = %s AND state = 'open' FOR UPDATE",
        (request_id,),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    work_id, channel, kind, caused_by, subject, *rest = row
    return Work(work_id, channel, kind, caused_by, read_person(subject), *rest)


def pass_barrier(cursor: Cursor, work: Work) -> bool | None:
    """True once every transaction has ended that was open when the request was recorded.

    Such a drain has looked for tombstones before this one was there; what it writes must be erased, so it must be
    over. It has a transaction id since it claimed its rows, before it looked, and the barrier is a later id. None:
    the barrier was set just now, ask again in the next transaction.
    """
    cursor.execute(
        "UPDATE privacy_requests SET barrier = coalesce(barrier, pg_current_xact_id()) WHERE id = %s"
        " RETURNING CASE WHEN barrier <> pg_current_xact_id()"
        " THEN pg_snapshot_xmin(pg_current_snapshot()) > barrier END",
        (work.id,),
    )
    is_passed: bool | None = cursor.fetchone()[0]
    return is_passed


def save_progress(cursor: Cursor, work: Work, phase: str, walked: int, *, orders: int = 0, payloads: int = 0) -> None:
    """Move on, and keep the lease."""
    cursor.execute(
        "UPDATE privacy_requests SET phase = %s, walked = %s, orders_erased = orders_erased + %s,"
        " payloads_erased = payloads_erased + %s, next_run_at = clock_timestamp() + %s * interval '1 second'"
        " WHERE id = %s",
        (phase, walked, orders, payloads, LEASE_S, work.id),
    )


def finish_work(cursor: Cursor, work: Work) -> None:
    """All is erased: forget who it was about."""
    cursor.execute(
        "UPDATE privacy_requests SET state = 'done', completed_at = clock_timestamp(), subject = NULL WHERE id = %s",
        (work.id,),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request has come: orders and raw payloads that were erased for it."""

    is_done: bool
    orders_erased: int
    payloads_erased: int


def read_progress(pool: Pool, request_id: int) -> Progress:
    with pool.autocommit("read_privacy") as cursor:
        cursor.execute(
            "SELECT state = 'done', orders_erased, payloads_erased FROM privacy_requests WHERE id = %s", (request_id,)
        )
        return Progress(*cursor.fetchone())
