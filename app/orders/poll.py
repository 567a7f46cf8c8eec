"""Polling a channel: what a webhook did not bring is caught here, through the same inbox with the same keys."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.channels.base import Client
from app.errors import CallFailed, Unavailable
from app.model import PolledOrder
from app.orders.lease import hold_lease
from app.store import polls
from app.store.polls import Lease
from app.store.pool import Pool

log = logging.getLogger(__name__)

CLOCK_TOLERANCE_S = 60.0
MAX_SECONDS = 40.0  # a job ends within its timeout; the next poll goes on where this one stopped
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
    settle_s: float,
    lease_s: float,
    retry_s: float,
    beat: Callable[[], None] = lambda: None,
) -> PollResult | None:
    """One poll; None while another poller holds the channel, and when none is due.

    Rows and watermark of each page are committed together. After a poll that failed the next one comes `retry_s`
    later, and later with each that fails. Raises CallFailed after the lease was given back, and LeaseLost when another
    poller took over in between.
    """
    lease = polls.take_lease(pool, channel, holder, lease_s)
    if lease is None:
        return None
    try:
        with hold_lease(pool, lease, lease_s):
            result = _read_pages(
                pool, lease, client, overlap_s=overlap_s, settle_s=settle_s, lease_s=lease_s, beat=beat
            )
    except Exception as error:
        # whatever it was, a job's timeout included: the channel does not wait for the end of a lease
        asked_s = error.retry_after_s if isinstance(error, CallFailed) else None
        reason = error.outcome if isinstance(error, CallFailed) else type(error).__name__
        pause = max(choose_pause(lease.failures, min(retry_s, interval_s)), asked_s or 0.0)
        with suppress(Unavailable):
            polls.finish_poll(pool, lease, next_in_s=pause, error=reason)
        raise
    polls.finish_poll(pool, lease, next_in_s=vary(interval_s) if result.complete else 0.0, error=None)
    log.info(
        "channel_polled",
        extra={"channel": channel, "pages": result.pages, "seen": result.seen, "news": result.news},
    )
    return result


def choose_pause(failures: int, first_s: float) -> float:
    """Seconds until the next poll after so many failures in a row before this one."""
    return vary(min(LONGEST_PAUSE_S, first_s * 2.0 ** min(failures, 10)))


def vary(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - chance, not a secret


def _read_pages(
    pool: Pool,
    lease: Lease,
    client: Client,
    *,
    overlap_s: float,
    settle_s: float,
    lease_s: float,
    beat: Callable[[], None],
) -> PollResult:
    since = lease.synced_until - timedelta(seconds=overlap_s)
    started = time.monotonic()
    pages = seen = news = 0
    newest: datetime | None = None
    cursor: str | None = None
    while True:
        page = client.list_orders(since, None, cursor)
        pages, seen, cursor = pages + 1, seen + len(page.orders), page.next_cursor
        orders = [one for one in page.orders if not _is_fresh(one, lease, settle_s)]
        newest = max([one.version for one in orders] + ([newest] if newest else []), default=None)
        # in the middle of a list the watermark moves only where the oldest change comes first
        moves = newest is not None and (cursor is None or client.oldest_first)
        news += polls.store_page(
            pool,
            lease,
            orders,
            synced_until=min(newest, lease.now) if newest and moves else None,
            lease_s=lease_s,
            request_id=lease.holder,
        )
        beat()
        if cursor is None:
            return PollResult(pages, seen, news, complete=True)
        if client.oldest_first and time.monotonic() - started > MAX_SECONDS:
            return PollResult(pages, seen, news, complete=False)


def _is_fresh(order: PolledOrder, lease: Lease, settle_s: float) -> bool:
    """Young enough that its webhook may still be on the way; a version far in the future is a clock that is off.

    The watermark follows the channel's own clock, and never passes ours: a clock that is ten minutes slow hides
    nothing then, and one that is fast, and set right later, neither.
    """
    age_s = (lease.now - order.version).total_seconds()
    return -CLOCK_TOLERANCE_S < age_s < settle_s
