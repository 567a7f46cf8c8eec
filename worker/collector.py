"""What the exporter reads at each scrape: queues and workers from Redis, backlog from PostgreSQL; never mutates."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app import telemetry
from app.orders.privacy import KINDS
from app.store.inbox import BACKLOG_CAP, count_quarantined, read_backlog
from app.store.outbox import count_failed
from app.store.polls import read_ages
from app.store.pool import Pool
from app.store.privacy import read_open
from worker.rq_collector import collect_parts, collect_queues

log = logging.getLogger(__name__)


class QueueCollector(Collector):
    """O(queues) reads of Redis; O(1) reads of PostgreSQL, bounded by `BACKLOG_CAP`."""

    def __init__(
        self,
        client: redis.Redis,
        pool: Pool,
        queues: tuple[str, ...],
        restarts_file: str = "",
        polled: tuple[str, ...] = (),
        *,
        collect_containers: Callable[[], list[Metric]] | None = None,
    ) -> None:
        """`polled` names the channels that have poll times; without `collect_containers` no engine is watched."""
        self._collect_containers = collect_containers
        self._client = client
        self._pool = pool
        self._queues = queues
        self._polled = polled
        self._restarts_file = Path(restarts_file) if restarts_file else None

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from collect_parts(
            {
                "queues": lambda: collect_queues(self._client, self._queues),
                "backlog": self._collect_backlog,
                "restarts": self._collect_restarts,
                **({"containers": self._collect_containers} if self._collect_containers else {}),
            }
        )

    def _collect_backlog(self) -> list[Metric]:
        found: list[Metric] = []
        with self._pool.transaction("collector") as cursor:
            inbox = read_backlog(cursor, "inbox", "received_at")
            outbox = read_backlog(cursor, "outbox", "created_at")
            quarantined = count_quarantined(cursor)
            failed = count_failed(cursor, BACKLOG_CAP)
            ages = read_ages(cursor, self._polled)
            requests = read_open(cursor, KINDS)
        for name, value in (
            (telemetry.INBOX_PENDING, inbox.rows),
            (telemetry.INBOX_OLDEST, inbox.oldest_age_s),
            (telemetry.OUTBOX_PENDING, outbox.rows),
            (telemetry.OUTBOX_OLDEST, outbox.oldest_age_s),
            (telemetry.INBOX_QUARANTINED, quarantined),
            (telemetry.OUTBOX_FAILED, failed),
        ):
            one = telemetry.family(name)
            one.add_metric([], value)
            found.append(one)
        behind, success = telemetry.family(telemetry.POLL_CURSOR_AGE), telemetry.family(telemetry.POLL_SUCCESS_AGE)
        for age in ages:
            behind.add_metric([age.channel], age.cursor_age_s)
            success.add_metric([age.channel], age.success_age_s)
        is_open, oldest = telemetry.family(telemetry.PRIVACY_OPEN), telemetry.family(telemetry.PRIVACY_OLDEST)
        for request in requests:
            is_open.add_metric([request.kind], request.count)
            oldest.add_metric([request.kind], request.oldest_age_s)
        return [*found, behind, success, is_open, oldest]

    def _collect_restarts(self) -> list[Metric]:
        restarts = telemetry.family(telemetry.PROCESS_RESTARTS)
        if self._restarts_file and self._restarts_file.exists():
            for process, count in json.loads(self._restarts_file.read_text(encoding="utf-8")).items():
                restarts.add_metric([process], count)
        return [restarts]
