"""Deliveries that were set aside after their last try: look at them, try again, or give up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.errors import Conflict, NotFound
from app.store.audit import AuditEntry, insert_entry
from app.store.pool import Cursor, Pool

COLUMNS = "id, channel, delivery_id, topic, received_at, state, attempts, error, request_id, job_id"


@dataclass(frozen=True, slots=True)
class SetAside:
    """One inbox row without its payload. `error` names what was wrong, never what the customer wrote."""

    id: int
    channel: str
    delivery_id: str
    topic: str
    received_at: datetime
    state: str
    attempts: int
    error: str | None
    request_id: str
    job_id: str | None


def list_quarantine(pool: Pool, *, channel: str | None, before_id: int | None, limit: int) -> list[SetAside]:
    """Newest first; `before_id` is the id of the last row of the page before."""
    with pool.autocommit("list_quarantine") as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM inbox WHERE state = 'quarantined'"
            " AND (%(channel)s::text IS NULL OR channel = %(channel)s)"
            " AND (%(before)s::bigint IS NULL OR id < %(before)s)"
            " ORDER BY id DESC LIMIT %(limit)s",
            {"channel": channel, "before": before_id, "limit": limit},
        )
        return [SetAside(*row) for row in cursor.fetchall()]


def read_quarantined(pool: Pool, inbox_id: int) -> tuple[SetAside, str]:
    """A delivery and its raw payload. Raises NotFound when it is not in quarantine."""
    with pool.autocommit("read_quarantined") as cursor:
        cursor.execute(f"SELECT {COLUMNS}, payload FROM inbox WHERE id = %s AND state = 'quarantined'", (inbox_id,))
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no delivery {inbox_id} in quarantine")
    return SetAside(*row[:-1]), row[-1]


def release_delivery(pool: Pool, inbox_id: int, audit: AuditEntry | None = None) -> None:
    """Make a quarantined delivery pending, with all its tries again; `audit` is its record. Raises NotFound, Conflict.

    The dispatcher finds pending rows by itself; whoever wants it sooner asks for a job.
    """
    with pool.transaction("release_delivery") as cursor:
        cursor.execute(
            "UPDATE inbox SET state = 'pending', attempts = 0, next_attempt_at = NULL, finished_at = NULL"
            " WHERE id = %s AND state = 'quarantined'",
            (inbox_id,),
        )
        if cursor.rowcount == 0:
            raise _explain_miss(cursor, inbox_id)
        if audit:
            insert_entry(cursor, audit)


def discard_delivery(pool: Pool, inbox_id: int, audit: AuditEntry | None = None) -> None:
    """Give a quarantined delivery up; its row stays until it is pruned. `audit` is its record.

    Raises NotFound, Conflict.
    """
    with pool.transaction("discard_delivery") as cursor:
        cursor.execute(
            "UPDATE inbox SET state = 'discarded', finished_at = now() WHERE id = %s AND state = 'quarantined'",
            (inbox_id,),
        )
        if cursor.rowcount == 0:
            raise _explain_miss(cursor, inbox_id)
        if audit:
            insert_entry(cursor, audit)


def _explain_miss(cursor: Cursor, inbox_id: int) -> Conflict | NotFound:
    cursor.execute("SELECT state FROM inbox WHERE id = %s", (inbox_id,))
    row = cursor.fetchone()
    if row is None:
        return NotFound(f"there is no delivery {inbox_id}")
    return Conflict(f"delivery {inbox_id} is {row[0]}, not quarantined")
