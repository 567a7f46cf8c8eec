"""The queue collector on a watched Redis: it only reads, and its cost does not depend on what waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from tests.integration.conftest import StartService
from tests.metrics import read_scrape
from tests.service import Process


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url, socket_timeout=5)
    yield made
    made.close()


def test_the_collector_reads_and_costs_the_same_whatever_waits(
    start_service: StartService, database_url: str, redis_url: str, client: redis.Redis
) -> None:
    tasks = Queue("tasks", connection=client, serializer=JSONSerializer)
    exporter = start_service(database_url, redis_url).add("exporter", "exporter").wait_ready()
    few = watch_scrape(client, exporter)
    for _ in range(3):
        tasks.enqueue("worker.jobs.prune")
    # entries that RQ's own counts would clean away
    client.zadd("rq:wip:tasks", {"gone:execution": 1})
    client.zadd("rq:failed:tasks", {"old": 1})
    client.zadd("rq:finished:tasks", {"older": 1})
    client.sadd("rq:workers:tasks", "rq:worker:gone")
    with client.pipeline() as pipeline:
        for index in range(2000):
            pipeline.rpush("rq:queue:ingest", f"job-{index}")
        pipeline.execute()
    before = dump_all(client)
    many = watch_scrape(client, exporter)
    assert dump_all(client) == before
    known = client.command()
    flags = {name: set(known[name]["flags"]) for name in {*few, *many}}
    assert [name for name, found in flags.items() if "write" in found] == []
    assert "llen" in flags
    # a worker that is registered and gone costs one HMGET more
    assert len(few) <= len(many) <= len(few) + 1
    text = exporter.get("/metrics")[1].decode()
    assert read_scrape(text, "rq_jobs", queue="ingest", status="queued") == 2000
    assert read_scrape(text, "rq_jobs", queue="tasks", status="queued") == 3
    assert read_scrape(text, "rq_workers", queue="tasks") == 0
    assert read_scrape(text, "palmonas_collector_up", collector="queues") == 1


def watch_scrape(client: redis.Redis, exporter: Process) -> list[str]:
    """The names of the commands that Redis got from one scrape."""
    names: list[str] = []
    watching = threading.Event()

    def watch(monitor: Any) -> None:
        for entry in monitor.listen():
            names.append(entry["command"].split()[0].lower())
            watching.set()
            if entry["command"].endswith("the-end"):
                return

    assert exporter.get("/metrics")[0] == 200  # so that opening a connection is not counted
    with client.monitor() as monitor:
        thread = threading.Thread(target=watch, args=(monitor,))
        thread.start()
        client.echo("the-beginning")
        assert watching.wait(10)
        assert exporter.get("/metrics")[0] == 200
        client.echo("the-end")
        thread.join(10)
    return [name for name in names if name != "echo"]


def dump_all(client: redis.Redis) -> dict[bytes, bytes | None]:
    return {key: client.dump(key) for key in sorted(client.keys("*"))}
