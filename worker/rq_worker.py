"""The RQ worker: one queue, jobs in its own process, an allow-list, and a heartbeat that can be alerted on."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from rq import Queue, SimpleWorker, worker_registration
from rq.job import Job
from rq.serializers import JSONSerializer

from app.errors import PalmonasError
from app.log import describe_exception
from app.queue import ALLOWED_FUNCTIONS
from worker.job_meter import HEARTBEAT_S, JobMeter

log = logging.getLogger(__name__)


class JobRefused(PalmonasError):
    """A job names a function, a callback or a web hook that is not ours: somebody else writes to Redis."""


class AllowListedJob(Job):
    """RQ imports any dotted path it finds in Redis, whatever the serializer; this one asks the list first."""

    @property
    def func(self) -> Any:
        if self.func_name not in ALLOWED_FUNCTIONS or self.instance is not None:
            raise JobRefused("the job's function is not on the list of app.queue.ALLOWED_FUNCTIONS")
        return super().func

    def restore(self, raw_data: Any) -> Any:
        """Drop what could make a worker call something else: callbacks and web hooks, which we never set."""
        extras = (b"success_callback_name", b"failure_callback_name", b"stopped_callback_name", b"webhooks")
        refused = [name for name in extras if raw_data.get(name)]
        for name in refused:
            del raw_data[name]
        if refused:
            log.warning("job_extras_dropped", extra={"job_id": self.id, "count": len(refused)})
        return super().restore(raw_data)


class PalmonasWorker(SimpleWorker):
    """Listens to exactly one queue (BLMOVE: a job popped by a worker that dies then is still in a list)."""

    job_class = AllowListedJob
    log_job_description = False
    log_result_lifespan = False
    max_connection_wait_time = 2.0  # seconds between tries while Redis is away

    def __init__(self, queue_name: str, connection: redis.Redis) -> None:
        super().__init__(
            [Queue(queue_name, connection=connection, job_class=AllowListedJob, serializer=JSONSerializer)],
            connection=connection,
            worker_ttl=HEARTBEAT_S + 15,
            job_class=AllowListedJob,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        self._last_error = ""
        self._meter = JobMeter(queue_name, connection)

    @property
    def dequeue_timeout(self) -> int:
        return HEARTBEAT_S

    @property
    def stop_requested(self) -> bool:
        """True after SIGTERM or SIGINT; RQ's own flag is set only while a job runs."""
        return self._shutdown_requested_date is not None

    def beat(self) -> None:
        """For a job that runs long: refresh the heartbeat of worker and job; Redis being away is no reason to stop."""
        try:
            self.heartbeat()
        except (redis.RedisError, OSError) as error:
            log.warning("heartbeat_failed", extra={"error": type(error).__name__})

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        if pipeline is None and not self.connection.sismember(worker_registration.REDIS_WORKER_KEYS, self.key):
            self._register_again()

    def _register_again(self) -> None:
        """Redis was flushed or came back empty: without this the worker works on, and every observer misses it."""
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self._state})
            worker_registration.register(self, pipeline)
            pipeline.expire(self.key, self.worker_ttl + 60)
            pipeline.execute()
        log.warning("worker_registered_again")

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:
        self._meter.observe_wait(job)
        started = time.perf_counter()
        retries_before = job.retries_left or 0
        succeeded = bool(super().perform_job(job, queue, execution))
        outcome = "succeeded" if succeeded else "retried" if retries_before > 0 else "failed"
        self._meter.observe_run(time.perf_counter() - started, outcome)
        return succeeded

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """One line without the exception's text, which may quote a customer."""
        self._last_error = describe_exception(exc_info[1])
        log.error("job_failed", extra={"job_id": job.id, "error": self._last_error})

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Any = None,
    ) -> None:
        """RQ keeps `exc_string` with the failed job for weeks: types and frames, not the exception's text."""
        super().handle_job_failure(job, queue, started_job_registry, self._last_error or exc_string, execution)


def wait_for_redis(connection: redis.Redis, deadline_s: float) -> None:
    """Return when Redis answers; raises redis.RedisError after `deadline_s` seconds."""
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            connection.ping()
            return
        except (redis.RedisError, OSError) as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("redis_away", extra={"error": type(error).__name__})
            time.sleep(1.0)
