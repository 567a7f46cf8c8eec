"""Polling a channel: what a webhook did not bring is caught here, through the same inbox with the same keys."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.channels.base import Client
from app.errors import CallFailed
from app.model import PolledOrder
from app.store import polls
from app.store.polls import Lease
from app.store.pool import Pool

log = logging.getLogger(__name__)

LEASE_S = 120.0  # longer than any one call may take; a poller that dies frees its channel after this time
SETTLE_S = 30.0  # webhooks on their way get this much time before a poll looks at the same change
MAX_SECONDS = 40.0  # a job ends within its timeout; the next poll goes on where this one stopped
FIRST_PAUSE_S = 10.0  # after a poll that failed; it doubles with each one that follows
LONGEST_PAUSE_S = 300.0
JITTER = 0.2  # share of a pause by which it varies, so that channels and installations do not march in step


@dataclass(frozen=True, slots=True)
class PollResult:
    """`seen` orders on `pages` pages, `news` of them not known yet; complete when the last page was reached."""

    pages: int
    seen: int
    news: int
    complete: bool


def poll_channel(
    pool: Pool,
    channel: str,
    client: Client,
    *,
    holder: str,
    interval_s: float,
    overlap_s: float,
    settle_s: float = SETTLE_S,
    beat: Callable[[], None] = lambda: None,
) -> PollResult | None:
    """One poll; None while another poller holds the channel.

    Rows and watermark of each page are committed together. Raises CallFailed after the lease was given back, and
    LeaseLost when another poller took over in between.
    """
    lease = polls.take_lease(pool, channel, holder, LEASE_S)
    if lease is None:
        return None
    try:
        result = _read_pages(pool, lease, client, overlap_s=overlap_s, settle_s=settle_s, beat=beat)
    except CallFailed as error:
        pause = max(choose_pause(lease.failures, interval_s), error.retry_after_s or 0.0)
        polls.finish_poll(pool, lease, next_in_s=pause, error=error.outcome)
        raise
    polls.finish_poll(pool, lease, next_in_s=vary(interval_s) if result.complete else 0.0, error=None)
    log.info(
        "channel_polled",
        extra={"channel": channel, "pages": result.pages, "seen": result.seen, "news": result.news},
    )
    return result


def choose_pause(failures: int, interval_s: float) -> float:
    """Seconds until the next poll after so many failures in a row before this one."""
    return vary(min(LONGEST_PAUSE_S, min(FIRST_PAUSE_S, interval_s) * 2.0 ** min(failures, 10)))


def vary(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - chance, not a secret


def _read_pages(
    pool: Pool, lease: Lease, client: Client, *, overlap_s: float, settle_s: float, beat: Callable[[], None]
) -> PollResult:
    since = lease.synced_until - timedelta(seconds=overlap_s)
    until = lease.now - timedelta(seconds=settle_s)
    if until <= since:
        return PollResult(0, 0, 0, complete=True)
    started = time.monotonic()
    pages = seen = news = 0
    cursor: str | None = None
    while True:
        page = client.list_orders(since, until, cursor)
        pages, seen, cursor = pages + 1, seen + len(page.orders), page.next_cursor
        news += polls.store_page(
            pool,
            lease,
            page.orders,
            synced_until=until if cursor is None else _safe_watermark(client, page.orders),
            lease_s=LEASE_S,
            request_id=lease.holder,
        )
        beat()
        if cursor is None:
            return PollResult(pages, seen, news, complete=True)
        if client.oldest_first and time.monotonic() - started > MAX_SECONDS:
            return PollResult(pages, seen, news, complete=False)


def _safe_watermark(client: Client, orders: tuple[PolledOrder, ...]) -> datetime | None:
    """How far a page in the middle moves the watermark: only where the channel lists the oldest change first."""
    return max(one.version for one in orders) if client.oldest_first and orders else None
