"""Group commit: all webhooks that wait at one moment share one INSERT and one COMMIT.

One committer greenlet per process takes whatever has come in while the previous commit was on its way, so the
batch grows by itself when PostgreSQL is slow. A sender is answered after its own row is durable, and never
waits longer than its deadline.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import gevent
from gevent.event import AsyncResult, Event

from app import telemetry
from app.errors import Overloaded, PalmonasError, StoreRejected, StoreUnavailable, Unavailable
from app.store.inbox import NewDelivery

log = logging.getLogger(__name__)

MAX_BATCH = 200
# Of payloads: more at once would hold up small orders, and the event loop while it is escaped.
MAX_BATCH_BYTES = 4 << 20
# Of payloads that wait for a commit; beyond it a sender is refused at once.
MAX_WAITING_BYTES = 64 << 20
Accepted = Literal["accepted", "duplicate"]
InsertDeliveries = Callable[[Sequence[NewDelivery]], set[tuple[str, str]]]


class _Waiting:
    """One delivery on its way, and the sender who waits for it (until it gives up)."""

    __slots__ = ("abandoned", "delivery", "result")

    def __init__(self, delivery: NewDelivery) -> None:
        self.delivery = delivery
        self.result: AsyncResult[Accepted] = AsyncResult()
        self.abandoned = False


class Batcher:
    """Puts deliveries into the store in groups. `insert` writes and commits; `ring` tells the workers."""

    def __init__(self, insert: InsertDeliveries, ring: Callable[[], object], timeout_s: float) -> None:
        self._insert = insert
        self._ring = ring
        self._timeout_s = timeout_s
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._wake = Event()
        self._bell = Event()
        self._committer = gevent.spawn(self._commit_forever)
        self._ringer = gevent.spawn(self._ring_forever)

    def submit(self, delivery: NewDelivery) -> Accepted:
        """Return once the delivery is durable. Raises Unavailable when that is not known within the deadline."""
        if self._committer.dead:
            raise StoreUnavailable("this instance is shutting down; send the delivery again")
        if self._waiting_bytes + len(delivery.payload) > MAX_WAITING_BYTES:
            raise Overloaded("too much waits to be stored; send the delivery again")
        mine = _Waiting(delivery)
        self._waiting.append(mine)
        self._waiting_bytes += len(delivery.payload)
        self._wake.set()
        try:
            outcome = mine.result.get(timeout=self._timeout_s)
        except gevent.Timeout as error:
            mine.abandoned = True
            raise StoreUnavailable("the store did not answer in time; send the delivery again") from error
        assert outcome is not None  # the committer sets a value or an error
        return outcome

    @property
    def waiting(self) -> int:
        """Deliveries that no commit has taken up yet."""
        return len(self._waiting)

    def _commit_forever(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if batch := self._take_batch():
                    self._commit(batch)

    def _take_batch(self) -> list[_Waiting]:
        """The next deliveries whose senders still wait, bounded in number and in bytes."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH:
            length = len(self._waiting[0].delivery.payload)
            if batch and size + length > MAX_BATCH_BYTES:
                break
            one = self._waiting.popleft()
            self._waiting_bytes -= length
            if not one.abandoned:
                batch.append(one)
                size += length
        return batch

    def _commit(self, batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            new = self._insert([one.delivery for one in batch])
        except StoreRejected as error:
            self._commit_singly(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, every sender waiting must hear of it
            self._fail(batch, error)
            return
        telemetry.ACCEPT_COMMIT_SECONDS.observe(time.perf_counter() - started)
        telemetry.ACCEPT_BATCH_SIZE.observe(len(batch))
        for one in batch:
            key = (one.delivery.channel, one.delivery.delivery_id)
            one.result.set("accepted" if key in new else "duplicate")
            new.discard(key)  # the second of two equal ones in a batch is the duplicate
        self._bell.set()

    def _commit_singly(self, batch: list[_Waiting], error: StoreRejected) -> None:
        """One delivery of the batch cannot be stored: find it by trying each alone, so that only it fails."""
        if len(batch) == 1:
            self._fail(batch, error)
            return
        for one in batch:
            self._commit([one])

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        if not isinstance(error, PalmonasError):
            log.error("commit_failed", exc_info=error)
            error = StoreUnavailable("the store failed in a way we did not expect; send the delivery again")
        elif isinstance(error, Unavailable):
            log.warning("commit_failed", extra={"reason": error.reason, "deliveries": len(batch)})
        for one in batch:
            one.result.set_exception(error)

    def _ring_forever(self) -> None:
        """After the answer, and at most one at a time: batches that commit meanwhile share the next ring."""
        while True:
            self._bell.wait()
            self._bell.clear()
            self._ring()

    def stop(self) -> None:
        """Commit what waits, then stop. For shutdown, after the last request was taken."""
        deadline = time.monotonic() + self._timeout_s
        while self._waiting and time.monotonic() < deadline:
            gevent.sleep(0.01)
        gevent.killall([self._committer, self._ringer])
