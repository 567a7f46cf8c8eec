"""From inbox rows to orders: claim, parse, fold, write, all in one transaction per batch.

A delivery that cannot be read or written is found (by its parse error, or by halving the batch), charged one
attempt and put off; after its last attempt it is in quarantine. It never holds up another one.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app import telemetry
from app.channels.base import PARSER_BUGS, Parse
from app.errors import PayloadError, StoreRejected
from app.log import describe_exception
from app.model import Fulfillment, ParsedDelivery, Refund, Standing, version_of
from app.orders import privacy
from app.orders.fold import RESULTS, Arrival, Change, fold_arrivals
from app.orders.privacy import RecordedDelivery
from app.store import attachment_writes, inbox, order_writes
from app.store.inbox import ClaimedDelivery, Finished, Outcome
from app.store.order_writes import Event, OrderKey, OrderRow, RaceLost
from app.store.pool import Cursor, Pool

log = logging.getLogger(__name__)

RACE_TRIES = 3
# changes that write the order itself, and with it its revision
WRITES = frozenset({"order_created", "channel_status_changed", "order_updated"})
PARSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Readable:
    """A claimed delivery and what it says."""

    claimed: ClaimedDelivery
    parsed: ParsedDelivery


@dataclass(slots=True)
class Written:
    """What one group did: to be counted once it is committed."""

    outcomes: list[Outcome] = field(default_factory=list)
    transitions: list[tuple[str, str]] = field(default_factory=list)
    requests: list[RecordedDelivery] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """One transaction's worth of deliveries and what became of them."""

    job_id: str
    written: Written = field(default_factory=Written)
    failures: list[tuple[ClaimedDelivery, str]] = field(default_factory=list)


def drain_batch(pool: Pool, parsers: Mapping[str, Parse], limit: int, job_id: str) -> int:
    """Store up to `limit` deliveries; return how many were dealt with, 0 when none is due.

    Raises Unavailable: then nothing was changed.
    """
    started = time.perf_counter()
    batch = Batch(job_id)
    with pool.transaction("drain") as cursor:
        claimed = inbox.claim_deliveries(cursor, limit)
        if not claimed:
            return 0
        claimed, readable = _read(claimed, parsers, batch)
        _store_group(cursor, readable, batch)
        finished = inbox.finish_deliveries(cursor, batch.written.outcomes, job_id)
        stored = {one.claimed.id: (one.claimed.channel, one.parsed) for one in readable}
        privacy.keep_erased(cursor, stored, batch.written.outcomes, job_id)
        charged = [(one, inbox.charge_attempt(cursor, one.id, error, job_id)) for one, error in batch.failures]
        unbound = {one.inbox_id for one in batch.written.outcomes if one.order_id is None}
        unbound |= {one.id for one, is_over in charged if is_over}
        privacy.scrub_unbound(cursor, [one for one in claimed if one.id in unbound])
    _count(batch, finished)
    _report(batch, claimed, charged)
    telemetry.DRAIN_BATCH_SIZE.observe(len(claimed))
    telemetry.DRAIN_BATCH_SECONDS.observe(time.perf_counter() - started)
    return len(claimed)


def charge_oldest(pool: Pool, job_id: str) -> None:
    """Charge a try to the oldest due delivery: alone in a batch, it could not be stored either."""
    with pool.transaction("drain") as cursor:
        for one in inbox.claim_deliveries(cursor, 1):
            inbox.charge_attempt(cursor, one.id, "storing it alone failed; see the worker's log", job_id)


def _read(
    claimed: Sequence[ClaimedDelivery], parsers: Mapping[str, Parse], batch: Batch
) -> tuple[list[ClaimedDelivery], list[Readable]]:
    """Parse for a bounded time; return the deliveries that were looked at, and those that can be stored."""
    # bounded, because the transaction that holds the rows is open meanwhile
    deadline = time.monotonic() + PARSE_SECONDS
    looked_at: list[ClaimedDelivery] = []
    readable = []
    for one in claimed:
        if looked_at and time.monotonic() > deadline:
            break
        looked_at.append(one)
        try:
            parsed = parsers[one.channel](one.topic, one.payload)
        except PayloadError as error:
            batch.failures.append((one, str(error)))
        except PARSER_BUGS as error:
            batch.failures.append((one, describe_exception(error)))
        else:
            readable.append(Readable(one, parsed))
    return looked_at, readable


def _store_group(cursor: Cursor, group: Sequence[Readable], batch: Batch) -> None:
    """Write a group; when PostgreSQL refuses its data, halve it until the one to blame stands alone."""
    if not group:
        return
    for attempt in range(RACE_TRIES):
        try:
            with order_writes.savepoint(cursor):
                written = _write(cursor, group)
        except RaceLost:
            if attempt == RACE_TRIES - 1:
                raise
        except StoreRejected as error:
            if len(group) == 1:
                batch.failures.append((group[0].claimed, str(error)))
                return
            # the locks of the undone part are gone: take all again at once and in order, before the halves take theirs
            order_writes.lock_standings(cursor, sorted({key for one in group if (key := _order_key(one))}))
            middle = len(group) // 2
            _store_group(cursor, group[:middle], batch)
            _store_group(cursor, group[middle:], batch)
            return
        else:
            batch.written.outcomes += written.outcomes
            batch.written.transitions += written.transitions
            batch.written.requests += written.requests
            return


def _order_key(one: Readable) -> OrderKey | None:
    """The order a delivery is about; None when it is about none."""
    parsed = one.parsed
    if parsed.order:
        return (one.claimed.channel, parsed.order.external_id)
    attached: Sequence[Refund | Fulfillment] = (*parsed.refunds, *parsed.fulfillments)
    return (one.claimed.channel, attached[0].order_external_id) if attached else None


def _write(cursor: Cursor, group: Sequence[Readable]) -> Written:
    written = Written()
    by_order: dict[OrderKey, list[Readable]] = defaultdict(list)
    for one in group:
        key = _order_key(one)
        if one.parsed.privacy:
            written.requests.append(privacy.record_delivered(cursor, one.claimed, one.parsed.privacy))
            written.outcomes.append(Outcome(one.claimed.id, None, privacy.RESULT))
        elif key is None:
            written.outcomes.append(Outcome(one.claimed.id, None, "ignored"))
        else:
            by_order[key].append(one)
    if not by_order:
        return written
    standings = order_writes.lock_standings(cursor, sorted(by_order))
    changes, ids = _write_orders(cursor, by_order, standings)
    events = [
        Event(ids[key], change.type, f"channel:{key[0]}", change.from_value, change.to_value, change.request_id)
        for key, some in changes.items()
        for change in some
    ]
    attached = _write_attachments(cursor, by_order, ids)
    written_ids = {ids[key] for key, some in changes.items() if any(change.type in WRITES for change in some)}
    order_writes.touch_orders(cursor, sorted({event.order_id for event in attached} - written_ids))
    events += attached
    order_writes.insert_events(cursor, events)
    results = {
        change.inbox_id: RESULTS[change.type] for some in changes.values() for change in some if change.type in RESULTS
    }
    for key, members in by_order.items():
        for one in members:
            result = results.get(one.claimed.id, "attached")
            written.outcomes.append(Outcome(one.claimed.id, ids[key], result))
    for event in events:
        if event.to_value and event.type in ("order_created", "channel_status_changed"):
            written.transitions.append(("channel_status", event.to_value))
        elif event.to_value and event.type == "status_changed":
            written.transitions.append(("status", event.to_value))
    return written


def _write_orders(
    cursor: Cursor, by_order: Mapping[OrderKey, Sequence[Readable]], standings: Mapping[OrderKey, Standing]
) -> tuple[dict[OrderKey, list[Change]], dict[OrderKey, int]]:
    """Fold and write the orders; return the changes and the id of every order named in the group."""
    ids = {key: one.order_id for key, one in standings.items() if one.order_id is not None}
    changes: dict[OrderKey, list[Change]] = {}
    new: list[OrderRow] = []
    changed: list[OrderRow] = []
    stubs: list[OrderKey] = []
    for key, members in by_order.items():
        arrivals = [
            Arrival(
                one.claimed.id,
                one.parsed.order,
                version_of(one.parsed.order, one.claimed.delivery_id),
                one.claimed.request_id,
            )
            for one in members
            if one.parsed.order
        ]
        folded = fold_arrivals(standings.get(key, Standing()), arrivals)
        changes[key] = folded.changes
        if folded.winner:
            row = OrderRow(key[0], folded.winner.order, folded.winner.version)
            (changed if key in ids else new).append(row)
        elif key not in ids:
            stubs.append(key)
    existed = [ids[row.key] for row in changed]
    order_writes.update_orders(cursor, changed)
    ids |= order_writes.insert_orders(cursor, new)
    ids |= order_writes.insert_stubs(cursor, stubs)
    order_writes.replace_items(cursor, [(ids[row.key], row.order) for row in (*changed, *new)], existed)
    return changes, ids


def _write_attachments(
    cursor: Cursor, by_order: Mapping[OrderKey, Sequence[Readable]], ids: Mapping[OrderKey, int]
) -> list[Event]:
    """Record refunds and fulfilments; return an event for each that is new or changed."""
    refunds, fulfillments = [], []
    # what the row says now -> the first delivery that said so
    sources: dict[tuple[int, str, str | Decimal], ClaimedDelivery] = {}
    for key, members in by_order.items():
        for one in members:
            for refund in one.parsed.refunds:
                refunds.append((ids[key], refund))
                sources.setdefault((ids[key], refund.external_id, refund.amount), one.claimed)
            for entry in one.parsed.fulfillments:
                fulfillments.append((ids[key], entry))
                sources.setdefault((ids[key], entry.external_id, entry.status), one.claimed)
    recorded: list[tuple[str, int, str, str | Decimal]] = [
        ("refund_recorded", *row) for row in attachment_writes.upsert_refunds(cursor, refunds)
    ]
    recorded += [("fulfillment_recorded", *row) for row in attachment_writes.upsert_fulfillments(cursor, fulfillments)]
    events = []
    for kind, order_id, external_id, value in recorded:
        source = sources[order_id, external_id, value]
        events.append(
            Event(order_id, kind, f"channel:{source.channel}", None, f"{value}", source.request_id, external_id)
        )
    return events


def _count(batch: Batch, finished: Sequence[Finished]) -> None:
    """Only what is committed is counted."""
    for done in finished:
        telemetry.DELIVERIES_STORED.labels(done.channel, done.result).inc()
        telemetry.ACCEPT_TO_STORED_SECONDS.labels(done.channel).observe(done.seconds)
        if done.origin == "poll" and done.result in ("created", "updated"):
            telemetry.RECONCILED.labels(done.channel, done.result).inc()
    privacy.report_recorded(batch.written.requests)
    for name, value in batch.written.transitions:
        telemetry.STATUS_TRANSITIONS.labels(name, value).inc()


def _report(batch: Batch, claimed: Sequence[ClaimedDelivery], failed: Sequence[tuple[ClaimedDelivery, bool]]) -> None:
    if log.isEnabledFor(logging.INFO):
        by_id = {one.id: one for one in claimed}
        for outcome in batch.written.outcomes:
            one = by_id[outcome.inbox_id]
            log.info(
                "delivery_stored",
                extra={
                    "request_id": one.request_id,
                    "channel": one.channel,
                    "order_id": outcome.order_id,
                    "result": outcome.result,
                    "job_id": batch.job_id,
                },
            )
    for one, quarantined in failed:
        (telemetry.DELIVERIES_QUARANTINED if quarantined else telemetry.DELIVERIES_RETRIED).labels(one.channel).inc()
        log.warning(
            "delivery_quarantined" if quarantined else "delivery_failed",
            extra={
                "request_id": one.request_id,
                "channel": one.channel,
                "inbox_id": one.id,
                "attempt": one.attempts + 1,
                "job_id": batch.job_id,
            },
        )
