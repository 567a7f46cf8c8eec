"""The only place, with the worker, that knows RQ and Redis.

Redis is disposable: whatever is in it can be asked for again from PostgreSQL. So every call is bounded by a
short deadline and stands behind a circuit breaker, and no caller fails because a hint could not be given.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import pybreaker
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry as RedisRetry
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from app import telemetry
from app.errors import QueueUnavailable
from app.redis_pool import MeasuredConnectionPool, ask_sentinels
from app.setting_values import RedisPlace

log = logging.getLogger(__name__)

INGEST = "ingest"
TASKS = "tasks"
POLL = "poll"
PUSH = "push"
DRAIN = "worker.jobs.drain_inbox"
# Names of jobs that may be asked for, where they wait and what they run: the worker refuses every other function.
TASK_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "replay_delivery": (TASKS, "worker.jobs.replay_delivery"),
    "prune": (TASKS, "worker.jobs.prune"),
    "erase_personal_data": (TASKS, "worker.jobs.erase_personal_data"),
    "poll_channel": (POLL, "worker.jobs.poll_channel"),
    "push_message": (PUSH, "worker.jobs.push_message"),
}
ALLOWED_FUNCTIONS = frozenset({DRAIN, *(function for _, function in TASK_FUNCTIONS.values())})
# Queues of jobs that are asked for by name. A poll that failed has its own pause, in the database.
TASK_QUEUES = (TASKS, POLL, PUSH)
TASK_DELAYS_S = (1, 5, 25)  # until a failed task runs again

# A job's id stays in Redis after its end, and after the death of its worker: work that is still due, and that nobody
# has, is asked for under a new id each time this has passed. To ask once too often costs a look at the database.
ASK_AGAIN_S = 15.0

BELL_KEY = "palmonas:doorbell:ingest"
BELL_TTL_S = 5  # a ring that was lost with its job is asked for again after this time, or by the dispatcher
PROCESSED_KEY = "palmonas:jobs-processed"

Rung = Literal["rung", "waiting", "failed", "open"]


def connect(
    place: str | RedisPlace, *, name: str, size: int, timeout_s: float, connect_timeout_s: float
) -> redis.Redis:
    """A Redis client on a measured pool; `timeout_s` bounds each answer. No retries: callers have their own way."""
    if isinstance(place, str):
        place = RedisPlace(place)
    pool = MeasuredConnectionPool.from_url(
        place.url,
        pool_name=name,
        max_connections=size,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=connect_timeout_s,
        retry=RedisRetry(NoBackoff(), 0),
        health_check_interval=0,
        find_master=ask_sentinels(place, connect_timeout_s) if place.sentinels else None,
    )
    return redis.Redis(connection_pool=pool)


def make_job_id(kind: str, subject: object, due_at: datetime, late_s: float) -> str:
    """One id for each time something falls due, and another when it is due for long."""
    return f"{kind}-{subject}-{int(due_at.timestamp() * 1000)}-{int(late_s / ASK_AGAIN_S)}"


class WorkQueue:
    """Asks for work. One per process; safe in greenlets and threads.

    `push_retry_delays_s` is needed by who asks for pushes: RQ's retries fall due with those of the outbox.
    """

    def __init__(
        self,
        place: str | RedisPlace,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        size: int = 5,
        push_retry_delays_s: Sequence[int] = (),
    ) -> None:
        self.redis = connect(place, name="redis", size=size, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)
        self._ingest = Queue(INGEST, connection=self.redis, serializer=JSONSerializer)
        self._queues = {name: Queue(name, connection=self.redis, serializer=JSONSerializer) for name in TASK_QUEUES}
        self._retries = {TASKS: TASK_DELAYS_S, POLL: (), PUSH: tuple(push_retry_delays_s)}
        self._breaker = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=2, name="redis")

    def ring(self, *, force: bool = False) -> Rung:
        """Put one drain job into the ingest queue unless one waits there; never raises.

        `force` asks even when the bell says that a job waits: for the dispatcher, which has seen that none does.
        """
        outcome: Rung
        try:
            outcome = self._breaker.call(self._ring, force)
        except pybreaker.CircuitBreakerError:
            outcome = "open"
        except (redis.RedisError, OSError) as error:
            outcome = "failed"
            log.warning("doorbell_failed", extra={"error": type(error).__name__})
        telemetry.DOORBELL.labels(outcome).inc()
        return outcome

    def _ring(self, force: bool) -> Rung:
        if not self.redis.set(BELL_KEY, int(time.time()), nx=not force, ex=BELL_TTL_S):
            return "waiting"
        # result_ttl=0: a finished drain tells nothing, and would stay 5.2 KB for 500 s
        self._ingest.enqueue(DRAIN, job_timeout=60, result_ttl=0, failure_ttl=86400, description="drain the inbox")
        return "rung"

    def answer_bell(self) -> None:
        """For a drain that begins: whoever commits from now on must ring again."""
        self.redis.delete(BELL_KEY)

    def count_waiting(self) -> int:
        """Drain jobs that wait in the ingest queue. Raises QueueUnavailable."""
        try:
            return int(self._ingest.count)
        except (redis.RedisError, OSError) as error:
            raise QueueUnavailable("Redis does not answer") from error

    def enqueue_task(self, name: str, *args: Any, request_id: str, job_id: str | None = None) -> str | None:
        """One ordinary job with retry; returns its id, or None when there is, or was of late, one of that `job_id`.

        Raises KeyError for a name that is not listed, QueueUnavailable.
        """
        queue, function = TASK_FUNCTIONS[name]
        pauses = list(self._retries[queue])
        try:
            job: Job = self._queues[queue].enqueue(
                function,
                *args,
                job_id=job_id,
                unique=job_id is not None,
                job_timeout=60,
                result_ttl=3600,
                failure_ttl=30 * 86400,
                retry=Retry(max=len(pauses), interval=pauses) if pauses else None,
                meta={"request_id": request_id},
                description=name,
            )
        except DuplicateJobError:
            return None
        except (redis.RedisError, OSError) as error:
            raise QueueUnavailable("Redis does not answer; nothing was enqueued") from error
        return str(job.id)
