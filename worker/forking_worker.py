"""RQ's ordinary worker, which forks for every job, measured: for services whose jobs need a process of their own.

Palmonas does not use it (its jobs share one process and one pool); examples/adopt does. What a work horse counts in its
own memory dies with it, so everything is measured in the parent.
"""

from __future__ import annotations

import time
from typing import Any

import redis
from rq import Queue, Worker
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus

from worker.job_meter import HEARTBEAT_S, JobMeter

OUTCOMES = {
    JobStatus.FINISHED: "succeeded",
    JobStatus.SCHEDULED: "retried",
    JobStatus.QUEUED: "retried",
}


class ForkingWorker(Worker):
    """Listens to one queue. Redis counts how jobs ended, and horses that were killed under one."""

    def __init__(self, queue: Queue, connection: redis.Redis, **options: Any) -> None:
        beats = {"worker_ttl": HEARTBEAT_S + 15, "job_monitoring_interval": HEARTBEAT_S}  # idle, and under a job
        super().__init__([queue], connection=connection, **beats | options)
        self._meter = JobMeter(queue.name, connection)

    @property
    def dequeue_timeout(self) -> int:
        return HEARTBEAT_S

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._meter.observe_wait(job)
        started = time.perf_counter()
        super().execute_job(job, queue)
        self._meter.observe_run(time.perf_counter() - started, tell_outcome(job))

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """RQ calls it in the parent when a horse ended under its job: out of memory, or a signal."""
        self._meter.count("killed")
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)


def tell_outcome(job: Job) -> str:
    """What became of a job after a worker had it: succeeded, failed, or retried."""
    try:
        status = job.get_status(refresh=True)
    except InvalidJobOperation:
        return "succeeded"  # it went well, and its result was to be kept for no time
    return OUTCOMES.get(status, "failed")
