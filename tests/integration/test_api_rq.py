"""rq-dashboard under /rq: it works there, it cannot be made to run what is in Redis, it never hangs."""

from __future__ import annotations

import base64
import pickle
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from app.queue import connect
from stack.servers import RedisServer
from tests.api_console import Console, run_console


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


class Bomb:
    """What an attacker who can write to Redis would leave there."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def test_the_pages_show_the_queues_and_their_jobs(console: Console) -> None:
    job_id = console.services.queue.enqueue_task("replay_delivery", 42, request_id="request-0001")
    queues = console.get("/rq/0/data/queues.json", "admin").json["queues"]
    assert [(one["name"], one["count"]) for one in queues] == [("tasks", 1)]
    jobs = console.get("/rq/0/data/jobs/tasks/queued/8/asc/1.json", "admin").json["jobs"]
    assert [(one["id"], one["description"]) for one in jobs] == [(job_id, "replay_delivery")]
    job = console.get(f"/rq/0/data/job/{job_id}.json", "admin").json
    assert (job["status"], job["origin"]) == ("queued", "tasks")
    assert console.get(f"/rq/0/view/job/{job_id}", "admin").status_code == 200
    assert console.get("/rq/0/data/job/gone.json", "admin").status_code == 404
    assert console.get("/rq/1/view/queues", "admin").status_code == 404


def test_the_links_of_a_page_stay_under_the_prefix_and_work(console: Console) -> None:
    page = console.get("/rq/", "admin")
    links = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert len(links) >= 8
    for link in links:
        assert link.startswith("/rq/"), link
        answer = console.get(link, "admin")
        if answer.status_code == 308:
            answer = console.get(answer.location, "admin")
        assert answer.status_code == 200, link


def test_only_the_pages_own_inline_script_may_run(console: Console) -> None:
    first, second = console.get("/rq/", "admin"), console.get("/rq/", "admin")
    nonces = [re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"]) for page in (first, second)]
    assert nonces[0] != nonces[1]
    for page, (nonce,) in zip((first, second), nonces, strict=True):
        assert page.text.count(f'nonce="{nonce}"') == 1
        policy = page.headers["Content-Security-Policy"]
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert "frame-ancestors 'none'" in policy


def test_no_password_and_no_address_of_redis_is_shown(console: Console, redis_url: str) -> None:
    password = urlsplit(redis_url).password
    assert password
    for path in ("/rq/", "/rq/0/view/jobs", "/rq/0/view/workers"):
        page = console.get(path, "admin").text
        assert password not in page
        assert "redis://" not in page


def test_what_lies_in_redis_is_never_unpickled(console: Console, tmp_path: Path) -> None:
    client = console.services.queue.redis
    target = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(target))
    queue = Queue("tasks", connection=client, serializer=JSONSerializer)
    job = Job.create("worker.jobs.prune", connection=client, serializer=JSONSerializer, origin="tasks", id="bomb")
    job.save()
    FailedJobRegistry(queue=queue).add(job, ttl=600, exc_string="ValueError")
    queue.push_job_id("bomb")
    client.hset("rq:job:bomb", mapping={"meta": bomb, "data": bomb, "result": bomb})
    client.xadd("rq:results:bomb", {"type": "1", "return_value": base64.b64encode(bomb), "created_at": "1"})
    for path in ("job/bomb", "jobs", "jobs/tasks/failed/8/asc/1", "workers", "queues"):
        console.get(f"/rq/0/view/{path}", "admin")
    for path in ("job/bomb", "jobs/tasks/queued/8/asc/1", "jobs/tasks/failed/8/asc/1", "workers", "queues"):
        console.get(f"/rq/0/data/{path}.json", "admin")
    for path in ("job/bomb/requeue", "requeue/tasks", "job/bomb/delete", "queue/tasks/failed/empty"):
        console.call("POST", f"/rq/{path}", "admin")
    assert not target.exists()
    pickle.loads(bomb)  # noqa: S301 - the bomb is ours, and this shows that it is live
    assert target.exists()


def test_a_frozen_redis_is_503_in_time(console: Console, own_redis: RedisServer, database_url: str) -> None:
    with run_console(database_url, own_redis.url, tokens=False) as other:
        other.tokens = console.tokens
        assert other.get("/rq/", "admin").status_code == 200
        client = connect(own_redis.url, name="pause", size=1, timeout_s=5, connect_timeout_s=5)
        client.client_pause(3000, all=True)
        started = time.monotonic()
        answer = other.get("/rq/", "admin")
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
        assert time.monotonic() - started < 2.5
        client.close()
