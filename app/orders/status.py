"""Operators change an order's status: compare-and-set on its revision, in one short transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from app import telemetry
from app.errors import Conflict, NotFound, PreconditionFailed
from app.orders.transitions import PROGRESSES, Progress, explain_refusal
from app.store import order_status
from app.store.audit import AuditEntry, insert_entry
from app.store.outbox import insert_message
from app.store.pool import Cursor, Pool

log = logging.getLogger(__name__)


class StaleRevision(PreconditionFailed):
    """Somebody changed the order since the caller read it; `revision` is the present one."""

    def __init__(self, revision: int) -> None:
        super().__init__("the order has changed since you read it; read it again, then decide again")
        self.revision = revision


@dataclass(frozen=True, slots=True)
class StatusChange:
    order_id: int
    from_status: Progress
    to_status: Progress
    revision: int


def change_status(
    pool: Pool,
    order_id: int,
    to: Progress,
    *,
    revision: int,
    actor: str,
    request_id: str,
    pushed: Mapping[str, frozenset[str]],
    audit: AuditEntry | None = None,
) -> StatusChange:
    """Move order `order_id`, as it was at `revision`, to `to`, and record who did it.

    The only place where operators' changes are written. `pushed` names the channels that are told of changes, and of
    which: their message is written in the same transaction, and so is `audit`, the record of it.

    Raises NotFound, StaleRevision, Conflict (not in the table, or the channel has the last word).
    """
    with pool.transaction("change_status") as cursor:
        current = _read_progress(cursor, order_id)
        if current.revision != revision:
            raise StaleRevision(current.revision)
        refusal = explain_refusal(current.progress, current.channel_status, to)
        if refusal:
            raise Conflict(refusal)
        if not order_status.set_progress(cursor, order_id, to, revision):
            raise StaleRevision(_read_progress(cursor, order_id).revision)
        order_status.insert_status_event(
            cursor, order_id, actor=actor, from_value=current.progress, to_value=to, request_id=request_id
        )
        if audit:
            insert_entry(cursor, audit)
        if to in pushed.get(current.channel, frozenset()):
            insert_message(
                cursor,
                order_id,
                channel=current.channel,
                kind="status",
                payload={"status": to},
                request_id=request_id,
            )
    change = StatusChange(order_id, current.progress, to, revision + 1)
    telemetry.STATUS_TRANSITIONS.labels("status", to).inc()
    log.info("order_status_changed", extra={"order": order_id, "to": to, "actor": actor})
    return change


def seed_transitions() -> None:
    """Start the counters at zero: a counter whose first sample is 1 has no increase to see."""
    for progress in PROGRESSES:
        telemetry.STATUS_TRANSITIONS.labels("status", progress)


def _read_progress(cursor: Cursor, order_id: int) -> order_status.OrderProgress:
    current = order_status.read_progress(cursor, order_id)
    if current is None:
        raise NotFound(f"there is no order {order_id}")
    return current
