"""Holding a channel's lease while its pages are read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Unavailable
from app.store import polls
from app.store.polls import Lease
from app.store.pool import Pool

log = logging.getLogger(__name__)

RENEWALS = 3  # in the time of a lease: two may be lost
LONGEST_HOLD_S = 90.0  # a job is ended after 60 s; a process that is stuck beyond that must not keep its channel


@contextmanager
def hold_lease(pool: Pool, lease: Lease, seconds: float) -> Iterator[None]:
    """Renew `lease` in a thread of its own until the block ends, `seconds` at a time.

    So a lease can be much shorter than a page may take (a channel that asks for a pause, a slow body), and a poller
    that is killed still frees its channel soon. Losing the lease costs a repeated page and nothing else: rows and
    watermark are written only by who holds it (`polls.store_page`).
    """
    ended = threading.Event()
    stop_at = time.monotonic() + LONGEST_HOLD_S

    def renew() -> None:
        while not ended.wait(seconds / RENEWALS) and time.monotonic() < stop_at:
            try:
                if not polls.keep_lease(pool, lease, seconds):
                    return
            except Unavailable as error:
                log.warning("lease_not_renewed", extra={"channel": lease.channel, "error": type(error).__name__})

    keeper = threading.Thread(target=renew, name=f"lease-{lease.channel}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join(seconds)
