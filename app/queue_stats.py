"""Reads of RQ's state that change nothing and cost the same at a thousand jobs and at a million.

RQ's own `registry.count` cleans up as it counts, and can fail jobs; every number here is one LLEN, ZCARD,
SMEMBERS or HGET. Used by the exporter and by /health.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from rq.defaults import RQ_KEY_PREFIX

from app.queue import PROCESSED_KEY

# rq.registry's key names, by the status that `rq_jobs` shows; "queued" is the list itself
REGISTRIES = {
    "started": "wip",
    "failed": "failed",
    "scheduled": "scheduled",
    "deferred": "deferred",
    "finished": "finished",
}
WORKER_STATES = ("idle", "busy", "started", "suspended")


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Jobs by status; the age in seconds of the job that waits longest, 0 when none waits."""

    name: str
    jobs: dict[str, int]
    oldest_age_s: float


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """Workers of one queue by state; the age in seconds of the stalest heartbeat, 0 without workers."""

    queue: str
    states: dict[str, int]
    heartbeat_age_s: float

    @property
    def count(self) -> int:
        return sum(self.states.values())


def _age(text: bytes | None, now: float) -> float:
    """Seconds since an RQ time stamp, which is ISO 8601 in UTC."""
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.decode().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, now - moment.timestamp())


def read_queues(client: redis.Redis, names: Sequence[str]) -> list[QueueStats]:
    """Two round trips for all queues. Raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.llen(f"{RQ_KEY_PREFIX}:queue:{name}")
            for part in REGISTRIES.values():
                pipeline.zcard(f"{RQ_KEY_PREFIX}:{part}:{name}")
            pipeline.lindex(f"{RQ_KEY_PREFIX}:queue:{name}", 0)
        answers: list[Any] = pipeline.execute()
    width = len(REGISTRIES) + 2
    rows = [answers[index : index + width] for index in range(0, len(answers), width)]
    with client.pipeline(transaction=False) as pipeline:
        for row in rows:
            job_id = row[-1].decode() if row[-1] else "none"
            pipeline.hget(f"{RQ_KEY_PREFIX}:job:{job_id}", "enqueued_at")
        enqueued = pipeline.execute()
    now = time.time()
    return [
        QueueStats(name, dict(zip(("queued", *REGISTRIES), row[:-1], strict=True)), _age(at, now))
        for name, row, at in zip(names, rows, enqueued, strict=True)
    ]


def read_workers(client: redis.Redis, names: Sequence[str]) -> list[WorkerStats]:
    """Two round trips for all workers of all queues. Raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.smembers(f"{RQ_KEY_PREFIX}:workers:{name}")
        members = [sorted(keys) for keys in pipeline.execute()]
    with client.pipeline(transaction=False) as pipeline:
        for keys in members:
            for key in keys:
                pipeline.hmget(key, "state", "last_heartbeat")
        answers = iter(pipeline.execute())
    now = time.time()
    found = []
    for name, keys in zip(names, members, strict=True):
        states = dict.fromkeys(WORKER_STATES, 0)
        stalest = 0.0
        for state, heartbeat in (next(answers) for _ in keys):
            if heartbeat is None:  # the worker died; RQ forgets its key at the next clean-up, we only do not count it
                continue
            states[(state or b"started").decode()] = states.get((state or b"started").decode(), 0) + 1
            stalest = max(stalest, _age(heartbeat, now))
        found.append(WorkerStats(name, states, stalest))
    return found


def read_processed(client: redis.Redis) -> dict[tuple[str, str], int]:
    """Jobs that ended, by (queue, outcome). Raises redis.RedisError."""
    raw: Any = client.hgetall(PROCESSED_KEY)
    counts = {}
    for key, value in raw.items():
        queue, _, outcome = key.decode().partition(":")
        counts[queue, outcome] = int(value)
    return counts
