"""Asks again for work that nobody does: PostgreSQL says what there is to do, Redis only that somebody was told.

One sweep a second: is there a delivery that is due and that no worker holds? Then a doorbell was lost (Redis was
flushed, a worker died with the job), and one more is rung. It also moves retries that are due into their queue,
which is what RQ's scheduler does, without a process of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from app import telemetry
from app.log import describe_exception
from app.queue import TASKS
from app.store.inbox import has_abandoned
from worker.context import Context

log = logging.getLogger(__name__)

ABANDONED_AFTER_S = 1.0  # a delivery that is younger has a doorbell on its way
SCHEDULE_INTERVAL_S = 1


class Dispatcher:
    """Sweeps until `stopping`. Any number may run: a sweep only asks, it never does the work."""

    def __init__(self, context: Context, stopping: Callable[[float], bool]) -> None:
        self._context = context
        self._wait = stopping
        self._scheduler: RQScheduler | None = None

    def run(self) -> None:
        """Sweep, wait, and go on, until the wait says that it is time to stop."""
        interval = self._context.config.sweep_interval_s
        while True:
            self.sweep()
            if self._wait(interval):
                return

    def sweep(self) -> None:
        """One look at inbox and schedule; an error is counted and logged, and the next sweep tries again."""
        try:
            self._sweep_inbox()
            self._enqueue_due_retries()
        except Exception as error:  # noqa: BLE001 - one damaged job in Redis must not end all recovery
            self._scheduler = None
            telemetry.DISPATCHER_SWEEPS.labels("error").inc()
            log.warning("sweep_failed", extra={"error": describe_exception(error)})
        else:
            telemetry.DISPATCHER_SWEEPS.labels("ok").inc()
            telemetry.DISPATCHER_LAST_SWEEP.set(time.time())

    def _sweep_inbox(self) -> None:
        queue = self._context.queue
        if not has_abandoned(self._context.pool, ABANDONED_AFTER_S) or queue.count_waiting():
            return
        if queue.ring(force=True) == "rung":
            telemetry.DISPATCHER_RECOVERED.labels("inbox").inc()
            log.info("drain_requested_again")

    def _enqueue_due_retries(self) -> None:
        if self._scheduler is None:
            self._scheduler = RQScheduler(
                [TASKS],
                connection=self._context.queue.redis,
                interval=SCHEDULE_INTERVAL_S,
                logging_level=logging.WARNING,
                serializer=JSONSerializer,
            )
        # the lock lives for a minute: while another dispatcher holds it, this one moves nothing
        self._scheduler.acquire_locks()
        self._scheduler.enqueue_scheduled_jobs()
