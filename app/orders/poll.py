"""Polling a channel: what a webhook did not bring is caught here, through the same inbox with the same keys."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.channels import CHANNELS
from app.channels.base import PARSER_BUGS, Client, Page
from app.errors import CallFailed, PayloadError, Unavailable
from app.model import LIFECYCLE_RANK, PolledOrder
from app.orders.lease import hold_lease
from app.store import polls
from app.store.polls import Lease, Place
from app.store.pool import Pool

log = logging.getLogger(__name__)

CLOCK_TOLERANCE_S = 60.0
# How a channel says that it does not know a cursor (any more).
CURSOR_REFUSED = frozenset({"client_error", "bad_answer"})
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

    Rows, watermark and place of each page are committed together, so that a list that takes longer than one poll, as
    Amazon's with its one page a minute, is gone on with. After a poll that failed the next one comes `retry_s`
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
    place = lease.place or Place("", since, lease.now, None)
    cursor: str | None = place.cursor or None
    started = time.monotonic()
    pages = seen = news = 0
    while True:
        page = _read_page(pool, lease, client, place, cursor)
        pages, seen, cursor = pages + 1, seen + len(page.orders), page.next_cursor
        orders = [one for one in page.orders if not _is_fresh(one, lease, settle_s)]
        newest = max((version for version in (*(one.version for one in orders), place.newest) if version), default=None)
        place = replace(place, cursor=cursor or "", newest=newest)
        news += polls.store_page(
            pool,
            lease,
            orders,
            ranks=[_read_rank(lease.channel, one) for one in orders],
            synced_until=_find_watermark(place, client),
            place=place if cursor is not None else None,
            lease_s=lease_s,
            request_id=lease.holder,
        )
        beat()
        if cursor is None:
            return PollResult(pages, seen, news, complete=True)
        if time.monotonic() - started > MAX_SECONDS:
            return PollResult(pages, seen, news, complete=False)


def _read_page(pool: Pool, lease: Lease, client: Client, place: Place, cursor: str | None) -> Page:
    try:
        return client.list_orders(place.since, None, cursor)
    except CallFailed as error:
        if lease.place is not None and error.outcome in CURSOR_REFUSED:
            polls.forget_place(pool, lease)
        raise


def _find_watermark(place: Place, client: Client) -> datetime | None:
    """How far everything has been seen, as far as that can be known after this page; None when it cannot.

    Within a list only where the oldest change comes first. Never past the moment at which the list was begun: what
    changed since then may have moved to a page that was read already.
    """
    if place.newest is None or (place.cursor and not client.oldest_first):
        return None
    return min(place.newest, place.started_at)


def _read_rank(channel: str, order: PolledOrder) -> int:
    """How far in its life an order is; 0 when it cannot be read, which is the drain's to say.

    Channels count in seconds: of two changes in one, the webhook of the later may be the one that is lost.
    """
    try:
        parsed = CHANNELS[channel].parse(order.topic, order.payload)
    except (PayloadError, *PARSER_BUGS):
        return 0
    return LIFECYCLE_RANK[parsed.order.channel_status] if parsed.order else 0


def _is_fresh(order: PolledOrder, lease: Lease, settle_s: float) -> bool:
    """Young enough that its webhook may still be on the way; a version far in the future is a clock that is off.

    The watermark follows the channel's own clock, and never passes ours: a clock that is ten minutes slow hides
    nothing then, and one that is fast, and set right later, neither.
    """
    if order.version is None:
        return False
    age_s = (lease.now - order.version).total_seconds()
    return -CLOCK_TOLERANCE_S < age_s < settle_s
