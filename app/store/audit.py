"""The audit log: who did what to what, with which outcome, from where. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.store.arrays import dump_json
from app.store.pool import Cursor, Pool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is written. `detail` never holds a name, an e-mail address, a secret or what somebody typed."""

    actor: str
    action: str
    object: str
    outcome: str
    address: str | None
    request_id: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What is read. `actor_email` is the present address of a user who acted; None for everybody else."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    outcome: str
    address: str | None
    request_id: str
    detail: dict[str, Any]
    actor_email: str | None


def describe_command(action: str, about: str, request_id: str, **detail: Any) -> AuditEntry:
    """What somebody did with `palmonas` on the machine itself."""
    return AuditEntry("command", action, about, "done", None, request_id, detail)


def insert_entry(cursor: Cursor, entry: AuditEntry) -> None:
    """In the caller's transaction: what was done and its record come and go together."""
    cursor.execute(
        "INSERT INTO audit_log (actor, action, object, outcome, address, request_id, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (entry.actor, entry.action, entry.object, entry.outcome, entry.address, entry.request_id,
         # jsonb takes no zero bytes, and an entry is worth more than one
         dump_json(dict(entry.detail)).replace("\\u0000", "\\ufffd")),
    )  # fmt: skip


def record_entry(pool: Pool, entry: AuditEntry) -> None:
    """One entry on its own. Raises what `Pool` does."""
    with pool.autocommit("record_audit") as cursor:
        insert_entry(cursor, entry)


def list_entries(
    pool: Pool, *, actor: str | None, action: str | None, before_id: int | None, limit: int
) -> list[AuditRow]:
    """Newest first; `before_id` is the id of the last row of the page before."""
    with pool.autocommit("list_audit") as cursor:
        cursor.execute(
            "SELECT page.*, users.email FROM ("
            " SELECT id, at, actor, action, object, outcome, address, request_id, detail FROM audit_log"
            " WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)"
            " AND (%(action)s::text IS NULL OR action = %(action)s)"
            " AND (%(before)s::bigint IS NULL OR id < %(before)s)"
            " ORDER BY id DESC LIMIT %(limit)s"
            ") AS page LEFT JOIN users ON page.actor LIKE 'user:%%'"
            " AND users.id = substring(page.actor FROM '^user:([0-9]{1,18})$')::bigint ORDER BY page.id DESC",
            {"actor": actor, "action": action, "before": before_id, "limit": limit},
        )
        return [AuditRow(*row) for row in cursor.fetchall()]


def prune_entries(pool: Pool, keep_days: int, batch: int) -> int:
    """Delete at most `batch` entries older than `keep_days` (the table refuses less than 90); return how many."""
    with pool.transaction("prune_audit") as cursor:
        # Ids and times rise together: the oldest are found by the key, and the walk ends at the first young one.
        cursor.execute(
            "DELETE FROM audit_log WHERE id = ANY(ARRAY(SELECT id FROM (SELECT id, at FROM audit_log ORDER BY id"
            " LIMIT %s) AS oldest WHERE at < now() - make_interval(days => %s)))",
            (batch, keep_days),
        )
        return int(cursor.rowcount)
