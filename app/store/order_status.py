"""Reads and writes of the operators' status. Every function runs in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.store.pool import Cursor


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """`progress` is one of app.orders.transitions.Progress, by the only code that writes it."""

    progress: Any
    channel_status: str
    revision: int
    channel: str


def read_progress(cursor: Cursor, order_id: int) -> OrderProgress | None:
    """The present status of an order, without a lock; None when there is no such order."""
    cursor.execute("SELECT progress, channel_status, revision, channel FROM orders WHERE id = %s", (order_id,))
    row = cursor.fetchone()
    return OrderProgress(*row) if row else None


def set_progress(cursor: Cursor, order_id: int, progress: str, revision: int) -> bool:
    """Compare-and-set. False when the order is no longer at `revision`.

    Concurrent callers queue on the row's lock; the first one changes the revision, the others match nothing.
    """
    cursor.execute(
        "UPDATE orders SET progress = %s, revision = revision + 1, updated_at = now() WHERE id = %s AND revision = %s",
        (progress, order_id, revision),
    )
    return bool(cursor.rowcount == 1)


def insert_status_event(
    cursor: Cursor, order_id: int, *, actor: str, from_value: str, to_value: str, request_id: str
) -> None:
    cursor.execute(
        "INSERT INTO order_events (order_id, type, actor, from_value, to_value, request_id)"
        " VALUES (%s, 'status_changed', %s, %s, %s, %s)",
        (order_id, actor, from_value, to_value, request_id),
    )
