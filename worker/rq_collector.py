"""Queues and workers of any RQ in any Redis, as metrics: six round trips a scrape, however many jobs there are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import redis
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app import telemetry
from app.errors import PalmonasError
from app.queue_stats import read_processed, read_queues, read_workers

log = logging.getLogger(__name__)

OUTCOMES = ("succeeded", "failed", "retried")


class RqCollector(Collector):
    """To be registered once per Redis, in one process. Never changes anything; a Redis that is away is `up` 0."""

    def __init__(self, client: redis.Redis, queues: Sequence[str]) -> None:
        self._client = client
        self._queues = queues

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from collect_parts({"queues": lambda: collect_queues(self._client, self._queues)})


def collect_parts(parts: Mapping[str, Callable[[], list[Metric]]]) -> Iterator[Metric]:
    """What each part reads, and whether and how fast it did.

    A part whose server is away is a gap in its series and `up` 0, which say more than a stale or a zero value.
    """
    up, seconds = telemetry.family(telemetry.COLLECTOR_UP), telemetry.family(telemetry.COLLECTOR_SECONDS)
    for name, part in parts.items():
        started = time.perf_counter()
        found: list[Metric] = []
        try:
            found = part()
        except (PalmonasError, redis.RedisError, OSError, ValueError) as error:
            log.warning("collector_failed", extra={"collector": name, "error": type(error).__name__})
            up.add_metric([name], 0)
        else:
            up.add_metric([name], 1)
        seconds.add_metric([name], time.perf_counter() - started)
        yield from found
    yield up
    yield seconds


def collect_queues(client: redis.Redis, queues: Sequence[str]) -> list[Metric]:
    """The metrics of the named queues and of their workers. Raises redis.RedisError."""
    jobs, oldest = telemetry.family(telemetry.RQ_JOBS), telemetry.family(telemetry.RQ_OLDEST)
    workers, beats = telemetry.family(telemetry.RQ_WORKERS), telemetry.family(telemetry.RQ_HEARTBEAT_AGE)
    processed, killed = telemetry.family(telemetry.RQ_PROCESSED), telemetry.family(telemetry.RQ_HORSES_KILLED)
    for queue in read_queues(client, queues):
        oldest.add_metric([queue.name], queue.oldest_age_s)
        for status, count in queue.jobs.items():
            jobs.add_metric([queue.name, status], count)
    for found in read_workers(client, queues):
        for state, count in found.states.items():
            workers.add_metric([found.queue, state], count)
        if found.count:
            beats.add_metric([found.queue], found.heartbeat_age_s)
    counts = read_processed(client)
    for name in queues:
        for outcome in OUTCOMES:
            processed.add_metric([name, outcome], counts.get((name, outcome), 0))
        killed.add_metric([name], counts.get((name, "killed"), 0))
    return [jobs, oldest, workers, beats, processed, killed]
