"""Every job there is. The worker refuses any function that `app.queue.ALLOWED_FUNCTIONS` does not name."""

from __future__ import annotations

import logging
import time

from rq import get_current_job

from app import telemetry
from app.channels import CHANNELS
from app.errors import CallFailed, StoreUnavailable
from app.orders import poll, privacy_work, push
from app.orders.drain import charge_oldest, drain_batch
from app.store.audit import prune_entries
from app.store.inbox import prune_deliveries
from app.store.polls import LeaseLost
from worker.context import current

log = logging.getLogger(__name__)

MAX_BATCHES = 20  # with the time limit: no job timeout, stale heartbeat or long shutdown comes of a busy day
PRUNE_BATCH = 2000
PRUNE_SECONDS = 30.0  # of a job's 60
ERASE_SECONDS = 20.0  # of a job's 60: a batch that is slow must still end in time


def _job_id() -> str:
    job = get_current_job()
    return str(job.id) if job else "none"


def drain_inbox() -> int:
    """Store what is in the inbox, for a bounded time; ring again if there is more. Returns the deliveries stored."""
    context = current()
    context.queue.answer_bell()
    deadline = time.monotonic() + context.config.drain_seconds
    limit: int = context.config.drain_batch
    done = 0
    for _ in range(MAX_BATCHES):
        try:
            got = drain_batch(context.pool, context.parsers, limit, _job_id())
        except StoreUnavailable:
            limit = _shrink(limit)
            continue
        done += got
        context.beat()
        if not got:
            return done
        if context.stopping() or time.monotonic() >= deadline:
            break
    context.queue.ring()
    return done


def _shrink(limit: int) -> int:
    """A smaller batch after one that did not get through: something in it may be too much.

    When a single delivery does not get through either, it is charged a try, and the job fails.
    """
    context = current()
    if limit == 1:
        charge_oldest(context.pool, _job_id())
        raise StoreUnavailable("not even a single delivery could be stored")
    log.warning("batch_too_much", extra={"limit": limit, "job_id": _job_id()})
    return max(1, limit // 8)


def replay_delivery(inbox_id: int) -> int:
    """One delivery was released from quarantine: store what is due. Returns the deliveries claimed."""
    log.info("delivery_replayed", extra={"inbox_id": inbox_id, "job_id": _job_id()})
    return drain_inbox()


def poll_channel(channel: str) -> int:
    """One poll of a channel; returns how many changes were news.

    A call that the channel fails is counted as the channel's (palmonas_polls_total, ChannelPollBehind, its circuit) and
    comes again by the lease's own pause. It is no failed job: whoever watches jobs would be told of the same fault
    twice, and our objective for jobs would depend on somebody else's servers.
    """
    context = current()
    client = context.clients.get(channel)
    if client is None or not client.lists:
        log.warning("poll_without_settings", extra={"channel": channel})
        return 0
    try:
        result = poll.poll_channel(
            context.pool,
            channel,
            client,
            holder=_job_id(),
            interval_s=context.config.poll_interval_s,
            overlap_s=context.config.poll_overlap_s,
            # without webhooks there is none to leave a change to
            settle_s=context.config.poll_settle_s if CHANNELS[channel].webhook else 0.0,
            lease_s=context.config.poll_lease_s,
            retry_s=context.config.poll_retry_s,
            beat=context.beat,
        )
    except CallFailed as error:
        telemetry.POLLS.labels(channel, "failed").inc()
        log.warning("poll_failed", extra={"channel": channel, "outcome": error.outcome, "job_id": _job_id()})
        return 0
    except Exception as error:
        telemetry.POLLS.labels(channel, "lease_lost" if isinstance(error, LeaseLost) else "failed").inc()
        raise
    telemetry.POLLS.labels(channel, "ok" if result else "skipped").inc()
    if result is None or not result.news:
        return 0
    context.queue.ring()
    return result.news


def push_message(message_id: int) -> str:
    """One try to deliver a message of the outbox; raises when it shall be tried again."""
    context = current()
    return push.push_message(
        context.pool, context.clients, message_id, retry_delays_s=context.config.push_retry_delays_s
    )


def erase_personal_data(request_id: int) -> str:
    """Work on a request to erase for a bounded time; the dispatcher asks again for one that is not done."""
    context = current()
    return privacy_work.run_request(
        context.pool, request_id, seconds=ERASE_SECONDS, beat=context.beat, stopping=context.stopping
    )


def prune() -> int:
    """Delete deliveries past their retention, in bounded batches; asks for itself again when there are more.

    Then entries of the audit log past theirs, as far as time is left. Returns how many deliveries were deleted.
    """
    context = current()
    deleted, deadline = 0, time.monotonic() + PRUNE_SECONDS
    while not context.stopping():
        if time.monotonic() > deadline:
            context.queue.enqueue_task("prune", request_id=_job_id())
            break
        got = prune_deliveries(context.pool, context.config.retention_days, PRUNE_BATCH)
        deleted += got
        context.beat()
        if got < PRUNE_BATCH:
            break
    log.info("inbox_pruned", extra={"deleted": deleted, "job_id": _job_id()})
    while not context.stopping() and time.monotonic() <= deadline:
        context.beat()
        if prune_entries(context.pool, context.config.audit_retention_days, PRUNE_BATCH) < PRUNE_BATCH:
            break
    return deleted
