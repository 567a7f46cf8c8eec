"""Status back to the channels: one message, one job, every try an event in the order's life."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from app import telemetry
from app.channels.base import Client, PushMessage
from app.errors import CallFailed, PushRefused
from app.store import outbox
from app.store.order_writes import Event, insert_events
from app.store.outbox import OutboxMessage
from app.store.pool import Pool

log = logging.getLogger(__name__)

LEASE_S = 90.0  # longer than a job may run


def push_message(pool: Pool, clients: Mapping[str, Client], message_id: int, *, retry_delays_s: Sequence[int]) -> str:
    """Try to deliver one message; returns skipped, delivered, failed (for good), or overtaken when another worker has
    taken the message over meanwhile.

    Raises when the message will be tried again, `retry_delays_s` later, so that the job is retried: CallFailed, and
    whatever a bug of ours or the job's timeout raises, which is a try like any other.
    """
    message = outbox.claim_message(pool, message_id, LEASE_S)
    if message is None:
        return "skipped"
    try:
        _call(clients, message)
    except PushRefused as error:
        return _record_failure(pool, message, str(error), final=True, retry_delays_s=retry_delays_s)
    except Exception as error:
        # the text of an error that is not ours may quote a customer
        reason = str(error) if isinstance(error, CallFailed) else f"the push broke off ({type(error).__name__})"
        outcome = _record_failure(pool, message, reason, final=False, retry_delays_s=retry_delays_s)
        if outcome == "retried":
            raise
        return outcome
    with pool.transaction("push") as cursor:
        if not outbox.finish_message(cursor, message.id):
            return "overtaken"
        insert_events(cursor, [_make_event(message, "push_delivered", None)])
    _report(message, "delivered")
    return "delivered"


def _call(clients: Mapping[str, Client], message: OutboxMessage) -> None:
    client = clients.get(message.channel)
    if client is None:
        raise PushRefused(f"channel {message.channel} has no API settings here")
    client.push(
        PushMessage(
            kind=message.kind,
            order_external_id=message.order_external_id,
            status=message.payload["status"],
            idempotency_key=message.idempotency_key,
            happened_at=message.created_at,
        )
    )


def _record_failure(
    pool: Pool, message: OutboxMessage, reason: str, *, final: bool, retry_delays_s: Sequence[int]
) -> str:
    """Charge the try; returns retried, failed when it was the last one, or overtaken."""
    with pool.transaction("push") as cursor:
        over = outbox.charge_message(cursor, message, reason, final=final, retry_delays_s=retry_delays_s)
        if over is None:
            return "overtaken"
        insert_events(cursor, [_make_event(message, "push_failed" if over else "push_retried", reason)])
    outcome = "failed" if over else "retried"
    _report(message, outcome)
    return outcome


def _make_event(message: OutboxMessage, kind: str, detail: str | None) -> Event:
    return Event(
        message.order_id, kind, f"push:{message.channel}", None, message.payload["status"], message.request_id, detail
    )


def _report(message: OutboxMessage, outcome: str) -> None:
    telemetry.PUSHES.labels(message.channel, outcome).inc()
    log.info(
        "push_tried",
        extra={
            "request_id": message.request_id,
            "channel": message.channel,
            "order_id": message.order_id,
            "outcome": outcome,
            "attempt": message.attempts + 1,
        },
    )
