"""Asks again for work that nobody does: PostgreSQL says what there is to do, Redis only that somebody was told.

One sweep a second: is there a delivery that is due and that no worker holds? Then a doorbell was lost (Redis was
flushed, a worker died with the job), and one more is rung. It also moves retries that are due into their queue,
which is what RQ's scheduler does, without a process of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from app import telemetry
from app.log import describe_exception
from app.queue import TASK_QUEUES, make_job_id
from app.store import privacy_work
from app.store.inbox import has_abandoned
from app.store.outbox import list_unsent
from app.store.polls import list_due
from worker.context import Context

log = logging.getLogger(__name__)

ABANDONED_AFTER_S = 1.0  # a delivery that is younger has a doorbell on its way
SCHEDULE_INTERVAL_S = 1
PRIVACY_SWEEP = 10
OUTBOX_SWEEP = 100  # messages a sweep asks for; the next sweep is a second later


class Dispatcher:
    """Sweeps until `stopping`. Any number may run: a sweep only asks, it never does the work."""

    def __init__(self, context: Context, stopping: Callable[[float], bool]) -> None:
        self._context = context
        self._wait = stopping
        self._scheduler: RQScheduler | None = None
        self._pruned_on: date | None = None

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
            self._sweep_outbox()
            self._sweep_polls()
            self._sweep_privacy()
            self._ask_for_pruning()
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

    def _sweep_outbox(self) -> None:
        """One job for each message that is due and has none."""
        for message_id, due_at, late_s in list_unsent(self._context.pool, OUTBOX_SWEEP):
            name = make_job_id("push", message_id, due_at, late_s)
            if self._context.queue.enqueue_task("push_message", message_id, request_id=name, job_id=name):
                log.info("push_requested", extra={"message_id": message_id})

    def _sweep_polls(self) -> None:
        polled = [name for name, client in self._context.clients.items() if client.lists]
        if not polled:
            return
        for channel, due_at, late_s in list_due(self._context.pool, polled, self._context.config.poll_lookback_s):
            name = make_job_id("poll", channel, due_at, late_s)
            self._context.queue.enqueue_task("poll_channel", channel, request_id=name, job_id=name)

    def _sweep_privacy(self) -> None:
        """One job for each run of a request to erase that nobody works on."""
        for request_id, runs in privacy_work.list_due(self._context.pool, PRIVACY_SWEEP):
            name = f"erase-{request_id}-{runs}"
            self._context.queue.enqueue_task("erase_personal_data", request_id, request_id=name, job_id=name)

    def _ask_for_pruning(self) -> None:
        """Once a day; how long raw payloads are kept is a promise."""
        today = datetime.now(UTC).date()
        if today != self._pruned_on:
            name = f"prune-{today}"
            self._context.queue.enqueue_task("prune", request_id=name, job_id=name)
            self._pruned_on = today

    def _enqueue_due_retries(self) -> None:
        if self._scheduler is None:
            self._scheduler = RQScheduler(
                list(TASK_QUEUES),
                connection=self._context.queue.redis,
                interval=SCHEDULE_INTERVAL_S,
                logging_level=logging.WARNING,
                serializer=JSONSerializer,
            )
        # the lock lives for a minute: while another dispatcher holds it, this one moves nothing
        self._scheduler.acquire_locks()
        self._scheduler.enqueue_scheduled_jobs()
