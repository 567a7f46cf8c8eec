"""How long jobs wait and run, and how they end: measured the same way by workers that fork and workers that do not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import redis
from rq.job import Job

from app import telemetry
from app.queue import PROCESSED_KEY

log = logging.getLogger(__name__)

HEARTBEAT_S = 5  # of an idle worker. RQ's own is 405 s: far too slow to alert on


class JobMeter:
    """The measurements of one worker of one queue."""

    def __init__(self, queue_name: str, connection: redis.Redis) -> None:
        self._queue_name = queue_name
        self._connection = connection
        self._wait_seconds = telemetry.JOB_WAIT_SECONDS.labels(queue_name)
        self._run_seconds = telemetry.JOB_RUN_SECONDS.labels(queue_name)

    def observe_wait(self, job: Job) -> None:
        """Call it when a worker takes the job."""
        if job.enqueued_at:
            waited = (datetime.now(UTC) - _aware(job.enqueued_at)).total_seconds()
            self._wait_seconds.observe(max(0.0, waited))

    def observe_run(self, seconds: float, outcome: str) -> None:
        """Call it when the job has ended: succeeded, failed, or retried."""
        self._run_seconds.observe(seconds)
        self.count(outcome)

    def count(self, outcome: str) -> None:
        """In Redis, so that the count outlives this process; a collector shows it."""
        try:
            self._connection.hincrby(PROCESSED_KEY, f"{self._queue_name}:{outcome}", 1)
        except (redis.RedisError, OSError) as error:
            log.warning("count_lost", extra={"error": type(error).__name__})


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
