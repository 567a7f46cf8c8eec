"""Erasing what a request asks for, in bounded batches; after a crash the next run goes on from the last one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app import telemetry
from app.orders.privacy import read_mentions
from app.store import privacy, privacy_erase, privacy_work
from app.store.pool import Cursor, Pool
from app.store.privacy import Person
from app.store.privacy_work import Progress, Work

log = logging.getLogger(__name__)

ORDERS_BATCH = 500  # orders, or ids of orders to look at, in one transaction
PAYLOADS_BATCH = 500  # ids of the inbox to look at in one transaction
WAIT_S = 2.0  # until the next look at transactions that must end first


def run_request(
    pool: Pool,
    request_id: int,
    *,
    seconds: float,
    beat: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> str:
    """Work on a request to erase for about `seconds`; every batch is committed with the place it came to.

    Returns skipped (done, held, or somebody else's), waiting, unfinished or done. Safe to run twice, and by several
    at once. Raises Unavailable: the next run goes on from the last batch.
    """
    if not privacy_work.claim_request(pool, request_id):
        return "skipped"
    deadline = time.monotonic() + seconds
    while True:
        with pool.transaction("erase") as cursor:
            work = privacy_work.lock_work(cursor, request_id)
            if work is None:
                return "skipped"
            state = STEPS[work.phase](cursor, work)
        beat()
        if state == "done":
            _report(work, privacy_work.read_progress(pool, work.id))
        elif state != "waiting" and not stopping() and time.monotonic() < deadline:
            continue
        else:
            privacy_work.release_request(pool, request_id, WAIT_S if state == "waiting" else 0.0)
        return state


def _wait(cursor: Cursor, work: Work) -> str:
    is_passed = privacy_work.pass_barrier(cursor, work)
    if not is_passed:
        return "waiting" if is_passed is False else "unfinished"
    first, _ = privacy_erase.read_span(cursor, "orders")
    privacy_work.save_progress(cursor, work, "orders", first)
    return "unfinished"


def _erase_orders(cursor: Cursor, work: Work) -> str:
    walked = work.walked
    if work.kind == "redact_shop":
        _, last = privacy_erase.read_span(cursor, "orders")
        until = walked + ORDERS_BATCH
        ids = privacy_erase.find_orders_of_shop(cursor, work.channel, work.erases_before, walked, until)
        is_last, walked = until >= last, until
    else:
        # those that are erased are not found again: no place to keep
        ids = privacy_erase.find_orders(
            cursor, work.channel, work.person, placed_before=work.erases_before, limit=ORDERS_BATCH
        )
        is_last = len(ids) < ORDERS_BATCH
        privacy.add_orders(cursor, work.id, work.channel, privacy_erase.read_external_ids(cursor, ids))
    erased = privacy_erase.erase_orders(cursor, ids, f"privacy:{work.id}", work.request_id)
    phase = "orders"
    if is_last:
        phase, (walked, _) = "payloads", privacy_erase.read_span(cursor, "inbox")
    privacy_work.save_progress(cursor, work, phase, walked, orders=erased.orders, payloads=erased.payloads)
    return "unfinished"


def _erase_payloads(cursor: Cursor, work: Work) -> str:
    """Raw payloads that became no order: in quarantine, discarded, about something else."""
    _, last = privacy_erase.read_span(cursor, "inbox")
    until = work.walked + PAYLOADS_BATCH
    if work.kind == "redact_shop":
        count = privacy_erase.scrub_shop(cursor, work.channel, work.erases_before, work.walked, until)
    else:
        found, until = find_payloads(cursor, work.channel, work.person, work.walked, until)
        count = privacy_erase.scrub_deliveries(
            cursor, [one.inbox_id for one in found if one.names_order or one.received_at < work.erases_before]
        )
    privacy_work.save_progress(cursor, work, "payloads", until, payloads=count)
    if until < last:
        return "unfinished"
    privacy_work.finish_work(cursor, work)
    return "done"


STEPS: dict[str, Callable[[Cursor, Work], str]] = {
    "wait": _wait,
    "orders": _erase_orders,
    "payloads": _erase_payloads,
}


@dataclass(frozen=True, slots=True)
class FoundPayload:
    """`names_order` when it is about one of the orders, else it names the person."""

    inbox_id: int
    received_at: datetime
    payload: str
    names_order: bool


def find_payloads(
    cursor: Cursor, channel: str, person: Person, after: int, until: int, *, with_pending: bool = False
) -> tuple[list[FoundPayload], int]:
    """Raw payloads without an order in a stretch of the inbox that are about a person, and how far was looked.

    It finds e-mail addresses wherever they stand, and ids where ids of customers and orders stand; not a name or a
    street, and nothing in what is no JSON.
    """
    orders, email = frozenset(person.order_external_ids), (person.email or "").strip().lower()
    rows, until = privacy_erase.read_unbound(cursor, channel, after, until, with_pending=with_pending)
    found = []
    for inbox_id, received_at, payload in rows:
        mentions = read_mentions(payload)
        names_order = not orders.isdisjoint(mentions.orders)
        if (
            names_order
            or person.customer_external_id in mentions.customers
            or email in {one.strip().lower() for one in mentions.emails}
        ):
            found.append(FoundPayload(inbox_id, received_at, payload, names_order))
    return found, until


def _report(work: Work, progress: Progress) -> None:
    telemetry.PRIVACY_REQUESTS.labels(work.kind, "completed").inc()
    log.info(
        "privacy_request_completed",
        extra={
            "privacy_request": work.id,
            "kind": work.kind,
            "channel": work.channel,
            "orders": progress.orders_erased,
            "payloads": progress.payloads_erased,
            "request_id": work.request_id,
        },
    )
