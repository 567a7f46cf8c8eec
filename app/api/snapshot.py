"""One snapshot of the service: Prometheus, Alertmanager, Redis and the health checks asked at the same time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis

from app.api.alerts import list_alerts
from app.api.operations_schemas import (
    HealthAnswer,
    InstanceAnswer,
    PoolAnswer,
    PostgresAnswer,
    QueueAnswer,
    RedisAnswer,
    ServerState,
    SloAnswer,
    Snapshot,
)
from app.api.questions import SNAPSHOT
from app.api.sampling import ask_together
from app.api.services import Services
from app.config import QUEUES
from app.errors import AnswerableError, QueueUnavailable
from app.outbound.alertmanager import Alertmanager
from app.outbound.prometheus import Prometheus, Sample
from app.queue_stats import QueueStats, WorkerStats, read_queues, read_workers
from rules.limits import limit
from rules.settings import load_settings

log = logging.getLogger(__name__)

QUESTION_S = 1.0  # the longest question to Prometheus or Alertmanager
DEADLINE_S = 1.8  # the whole snapshot
AT_ONCE = 4  # questions to Prometheus; the pages under /dashboards have a door of their own
SLO_WINDOW = "30d"

Answers = Mapping[str, Any]
Measured = Mapping[str, list[Sample]]


class SnapshotMaker:
    """Makes snapshots; where a server is not set, or does not answer, they say so."""

    def __init__(self, made: Services, runbooks: frozenset[str]) -> None:
        config = made.config
        self._health, self._redis, self._runbooks = made.health, made.queue.redis, runbooks
        self._prometheus = open_prometheus(config.prometheus_url)
        url = config.alertmanager_url
        self._alertmanager = Alertmanager(url, timeout_s=QUESTION_S) if url else None
        self._slos = load_settings().slos
        self._target_age_s = limit("job_age_warning")
        self._told: dict[str, str | None] = {}

    def make(self) -> Snapshot:
        """Within two seconds, whatever hangs."""
        answers = ask_together(self._list_questions(), DEADLINE_S)
        prometheus = self._judge("Prometheus", self._prometheus, answers, ("alerts", "measured"))
        alertmanager = self._judge("Alertmanager", self._alertmanager, answers, ("held", "silences"))
        get = partial(take, answers)
        measured: Measured = get("measured", {})
        return Snapshot(
            at=datetime.now(UTC),
            prometheus=prometheus,
            alertmanager=alertmanager,
            alerts=list_alerts(get("alerts", None), get("held", None), get("silences", None), self._runbooks),
            slos=self._list_slos(measured),
            instances=_list_instances(measured),
            pools=_list_pools(measured),
            queues=self._list_queues(get("queues", ([], [])), measured),
            postgresql=_describe_postgresql(measured),
            redis=get("redis", None),
            health=HealthAnswer.model_validate(get("health", {"status": "unknown", "checks": {}})),
        )

    def _list_questions(self) -> dict[str, Any]:
        questions: dict[str, Any] = {
            "health": self._health.read,
            "redis": self._read_redis,
            "queues": self._read_queues,
        }
        if self._prometheus:
            questions["alerts"] = self._prometheus.read_alerts
            questions["measured"] = partial(self._prometheus.read_now, SNAPSHOT)
        if self._alertmanager:
            questions["held"] = self._alertmanager.read_alerts
            questions["silences"] = self._alertmanager.read_silences
        return questions

    def _judge(self, name: str, server: object, answers: Answers, asked: Iterable[str]) -> ServerState:
        """A server is reachable when all that it was asked was answered."""
        failed = [one for one in (answers.get(key) for key in asked) if isinstance(one, AnswerableError)]
        detail = failed[0].detail if failed else None
        if server is None:
            detail = f"PALMONAS_{name.upper()}_URL is not set"
        if server and self._told.get(name) != detail:  # once for each change: a page asks every three seconds
            log.warning("operations_source", extra={"server": name, "problem": detail})
            self._told[name] = detail
        return ServerState(reachable=detail is None, detail=detail)

    def _read_queues(self) -> tuple[list[QueueStats], list[WorkerStats]]:
        try:
            return read_queues(self._redis, QUEUES), read_workers(self._redis, QUEUES)
        except (redis.RedisError, OSError) as error:
            raise QueueUnavailable("Redis does not answer") from error

    def _read_redis(self) -> RedisAnswer:
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for section in ("memory", "clients", "stats"):
                    pipeline.info(section)
                memory, clients, stats = pipeline.execute()
        except (redis.RedisError, OSError):
            return RedisAnswer(up=False)
        return RedisAnswer(
            up=True,
            memory_bytes=memory["used_memory"],
            max_memory_bytes=memory["maxmemory"] or None,
            clients=clients["connected_clients"],
            evicted_total=stats["evicted_keys"],
        )

    def _list_slos(self, measured: Measured) -> list[SloAnswer]:
        left, burn = by_label(measured, "budget_left", "slo"), by_label(measured, "burn", "slo")
        return [
            SloAnswer(
                name=name,
                title=str(slo["meaning"]),
                objective=slo["objective"],
                seconds=slo.get("seconds"),
                window=SLO_WINDOW,
                budget_left=min(1.0, max(0.0, left[name])) if name in left else None,
                burn_rate_1h=burn.get(name),
            )
            for name, slo in self._slos.items()
        ]

    def _list_queues(self, stats: tuple[list[QueueStats], list[WorkerStats]], measured: Measured) -> list[QueueAnswer]:
        arrived, finished = by_label(measured, "arrived", "queue"), by_label(measured, "finished", "queue")
        found = []
        for queue, worker in zip(*stats, strict=True):
            queued, pace = queue.jobs["queued"], finished.get(queue.name)
            found.append(
                QueueAnswer(
                    name=queue.name,
                    queued=queued,
                    oldest_age_s=round(queue.oldest_age_s, 1),
                    failed=queue.jobs["failed"],
                    in_per_s=arrived.get(queue.name),
                    out_per_s=pace,
                    drain_eta_s=queued / pace if pace else None,
                    target_age_s=self._target_age_s,
                    workers=worker.count,
                    heartbeat_age_s=round(worker.heartbeat_age_s, 1),
                )
            )
        return found


def open_prometheus(url: str) -> Prometheus | None:
    return Prometheus(url, timeout_s=QUESTION_S, at_once=AT_ONCE) if url else None


def take(answers: Answers, name: str, default: Any) -> Any:
    """The answer to a question; `default` when it was not asked, or not answered."""
    found = answers.get(name)
    return default if found is None or isinstance(found, AnswerableError) else found


def by_label(measured: Measured, name: str, label: str) -> dict[str, float]:
    """The values of a vector by one label."""
    return {one.labels.get(label, ""): one.value for one in measured.get(name, [])}


def _by_process(measured: Measured, name: str, *more: str) -> dict[tuple[str, ...], float]:
    keys = ("job", "instance", *more)
    return {tuple(one.labels.get(label, "") for label in keys): one.value for one in measured.get(name, [])}


def _list_instances(measured: Measured) -> list[InstanceAnswer]:
    last_up, started = _by_process(measured, "last_up"), _by_process(measured, "started")
    versions = {key[:2]: key[2] for key in _by_process(measured, "version", "version")}
    found = []
    for (job, instance), up in sorted(_by_process(measured, "up").items()):
        since = (started if up else last_up).get((job, instance))
        found.append(
            InstanceAnswer(
                job=job,
                instance=instance,
                up=bool(up),
                since=datetime.fromtimestamp(since, UTC) if since else None,
                version=versions.get((job, instance)),
            )
        )
    return found


def _list_pools(measured: Measured) -> list[PoolAnswer]:
    counts = _by_process(measured, "pool_count", "pool", "state")
    waiting = _by_process(measured, "pool_pending", "pool")
    return [
        PoolAnswer(
            instance=instance,
            pool=pool,
            in_use=round(counts.get((job, instance, pool, "used"), 0)),
            idle=round(counts.get((job, instance, pool, "idle"), 0)),
            size=round(size),
            waiting=round(waiting.get((job, instance, pool), 0)),
        )
        for (job, instance, pool), size in sorted(_by_process(measured, "pool_max", "pool").items())
    ]


def _describe_postgresql(measured: Measured) -> PostgresAnswer | None:
    """None when nothing watches it, or Prometheus does not answer."""

    def read(name: str) -> float | None:
        samples = measured.get(name)
        return samples[0].value if samples else None

    def count(name: str) -> int | None:
        value = read(name)
        return None if value is None else round(value)

    up = read("pg_up")
    if up is None:
        return None
    return PostgresAnswer(
        up=bool(up),
        connections=count("pg_sessions"),
        max_connections=count("pg_allowed"),
        longest_transaction_s=read("pg_transaction"),
        replication_lag_bytes=count("pg_lag"),
    )
