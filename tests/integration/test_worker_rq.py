"""The RQ worker as a process: what it refuses, what it survives, what it tells, how it stops."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest
import redis
from rq import Callback, Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from app.channels import WEBHOOKS
from app.queue import PROCESSED_KEY, WorkQueue
from app.store.inbox import NewDelivery, insert_deliveries
from app.store.pool import Pool
from stack.processes import wait_until
from tests.integration.conftest import StartService
from tests.metrics import read_scrape
from tests.rq_bait import leave_mark
from tests.sender import TOPICS, Sender, read_payload
from tests.service import Service

DEADLINE_S = 60.0
SLACK_S = 3.0
BAIT = "tests.rq_bait.leave_mark"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url, socket_timeout=5)
    yield made
    made.close()


@pytest.fixture
def tasks(client: redis.Redis) -> Queue:
    return Queue("tasks", connection=client, serializer=JSONSerializer)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def service(start_service: StartService, database_url: str, redis_url: str, mark: Path) -> Service:
    return start_service(database_url, redis_url, test_mark=str(mark), drain_batch="200")


def fetch(job: Job) -> Job:
    return Job.fetch(job.id, connection=job.connection, serializer=JSONSerializer)


def ended(job: Job) -> bool:
    return fetch(job).get_status() in ("finished", "failed", "stopped")


def read_states(pool: Pool) -> dict[str, int]:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT state, count(*) FROM inbox GROUP BY state")
        return dict(cursor.fetchall())


def is_drained(pool: Pool) -> Callable[[], bool]:
    return lambda: set(read_states(pool)) <= {"done"}


def fill_inbox(pool: Pool, number: int) -> None:
    channel, body = WEBHOOKS["standard"], read_payload("standard")
    for first in range(0, number, 1000):
        insert_deliveries(
            pool,
            [
                NewDelivery(
                    "standard",
                    f"d-{index}",
                    TOPICS["standard"],
                    f"request-{index}",
                    channel.renumber(body, index).decode(),
                )
                for index in range(first, min(first + 1000, number))
            ],
        )


@pytest.mark.parametrize(
    ("function", "arguments"), [("os.system", ("touch {mark}",)), (BAIT, ()), ("worker.jobs._job_id", ())]
)
def test_a_function_that_is_not_on_the_list_is_refused(
    service: Service, tasks: Queue, mark: Path, function: str, arguments: tuple[str, ...]
) -> None:
    worker = service.add_worker("tasks").wait_ready()
    job = tasks.enqueue(function, *(text.format(mark=mark) for text in arguments))
    assert wait_until(lambda: ended(job), DEADLINE_S, 0.1)
    assert fetch(job).get_status() == "failed"
    assert FailedJobRegistry(queue=tasks).get_job_ids() == [job.id]
    assert not mark.exists()
    assert "JobRefused" in worker.read_log()
    assert worker.get("/livez")[0] == 200


def test_the_bait_would_be_taken(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALMONAS_TEST_MARK", str(mark))
    leave_mark("as", "a callback", "gets them")
    assert mark.exists()


@pytest.mark.parametrize("how", ["fails", "succeeds"])
def test_callbacks_and_web_hooks_of_a_job_are_dropped(service: Service, tasks: Queue, mark: Path, how: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        worker = service.add_worker("tasks").wait_ready()
        job = tasks.enqueue(
            "worker.jobs.prune",
            *(("too many",) if how == "fails" else ()),
            on_success=Callback(BAIT),
            on_failure=Callback(BAIT),
            on_stopped=Callback(BAIT),
            webhooks=[Webhook(url, "finished"), Webhook(url, "failed")],
        )
        assert wait_until(lambda: ended(job), DEADLINE_S, 0.1)
        assert fetch(job).get_status() == ("failed" if how == "fails" else "finished")
        with pytest.raises(TimeoutError):
            listener.accept()
    assert not mark.exists()
    assert "job_extras_dropped" in worker.read_log()


def test_a_worker_registers_itself_again_after_a_flush(service: Service, client: redis.Redis) -> None:
    for queue in ("ingest", "tasks"):
        service.add_worker(queue)
    exporter = service.add("exporter", "exporter")
    service.wait_ready()

    def is_seen() -> bool:
        text = exporter.get("/metrics")[1].decode()
        return all(read_scrape(text, "rq_workers", queue=queue) == 1 for queue in ("ingest", "tasks"))

    assert wait_until(is_seen, DEADLINE_S, 0.2)
    client.flushall()
    assert not is_seen()
    assert wait_until(is_seen, 10 + SLACK_S, 0.2)
    for process in service.processes[:2]:
        assert client.smembers(f"rq:workers:{process.name.removeprefix('worker-')}")
        assert "worker_registered_again" in process.read_log()


def test_a_job_that_fails_is_tried_again_and_then_kept_without_its_text(
    service: Service, tasks: Queue, redis_url: str
) -> None:
    worker = service.add_worker("tasks")
    service.add("dispatcher", "dispatcher")
    exporter = service.add("exporter", "exporter")
    service.wait_ready()
    queue = WorkQueue(redis_url, timeout_s=2, connect_timeout_s=2)
    job_id = queue.enqueue_task("prune", "an argument it does not take", request_id="request-1")
    job = Job.fetch(job_id, connection=tasks.connection, serializer=JSONSerializer)
    assert wait_until(lambda: ended(job), 31 + DEADLINE_S, 0.2)
    lines = [json.loads(line) for line in worker.read_log().splitlines()]
    moments = [datetime.fromisoformat(one["time"]) for one in lines if one.get("job_id") == job_id]
    assert len(moments) == 4
    # the pauses are 1, 5 and 25 s, in whole seconds, and the dispatcher looks once a second
    for pause, before, after in zip((1, 5, 25), moments, moments[1:], strict=False):
        assert pause - 1 <= (after - before).total_seconds() <= pause + 3 + SLACK_S
    assert FailedJobRegistry(queue=tasks).get_job_ids() == [job_id]
    [result] = fetch(job).results()
    assert result.exc_string.startswith("TypeError at ")
    assert "positional argument" not in str(tasks.connection.hgetall(job.key)) + result.exc_string + worker.read_log()
    text = exporter.get("/metrics")[1].decode()
    assert read_scrape(text, "rq_jobs_processed_total", queue="tasks", outcome="retried") == 3
    assert read_scrape(text, "rq_jobs_processed_total", queue="tasks", outcome="failed") == 1
    assert read_scrape(text, "rq_jobs", queue="tasks", status="failed") == 1
    queue.redis.connection_pool.disconnect()


def test_what_a_killed_worker_held_is_done_soon_after_one_is_back(
    service: Service, pool: Pool, client: redis.Redis, database_url: str
) -> None:
    victim = service.add_worker("ingest", "worker-first")
    dispatcher = service.add("dispatcher", "dispatcher")
    service.wait_ready()
    locker = psycopg2.connect(database_url)
    locker.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    fill_inbox(pool, 300)
    started = StartedJobRegistry("ingest", connection=client, serializer=JSONSerializer)
    assert wait_until(lambda: started.get_job_count(cleanup=False) == 1, DEADLINE_S, 0.1)
    victim.kill9()
    locker.close()
    assert read_states(pool) == {"pending": 300}
    service.add_worker("ingest", "worker-second").wait_ready()
    assert wait_until(is_drained(pool), 5 + SLACK_S, 0.05), read_states(pool)
    assert read_scrape(dispatcher.get("/metrics")[1].decode(), "palmonas_dispatcher_recovered_total") >= 1


class Heartbeats:
    """The distinct heartbeats of the one worker of a queue, read again and again."""

    def __init__(self, client: redis.Redis, queue: str) -> None:
        self._client = client
        self._members = f"rq:workers:{queue}"
        self.seen: list[datetime] = []
        self.states: set[str] = set()

    def look(self) -> None:
        for key in self._client.smembers(self._members):
            state, beat = self._client.hmget(key, "state", "last_heartbeat")
            moment = datetime.fromisoformat((beat or b"").decode().replace("Z", "+00:00"))
            self.states.add((state or b"").decode())
            if moment not in self.seen:
                self.seen.append(moment)


def test_a_long_drain_beats_and_stops_at_once_with_nothing_held(
    service: Service, pool: Pool, client: redis.Redis, database_url: str
) -> None:
    fill_inbox(pool, 20_000)
    worker = service.add_worker("ingest")
    service.add("dispatcher", "dispatcher")
    service.wait_ready()
    beats = Heartbeats(client, "ingest")

    def is_under_way() -> bool:
        beats.look()
        return len(beats.seen) >= 8 and read_states(pool).get("done", 0) >= 2000

    assert wait_until(is_under_way, DEADLINE_S, 0.05), read_states(pool)
    assert read_states(pool).get("pending", 0) > 0, "the drain was over before it was stopped"
    assert "busy" in beats.states
    gaps = [(after - before).total_seconds() for before, after in zip(beats.seen, beats.seen[1:], strict=False)]
    assert max(gaps) < 5 + SLACK_S
    asked = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - asked < 5
    states = read_states(pool)
    assert set(states) == {"pending", "done"}, states
    assert sum(states.values()) == 20_000
    expect_nothing_held(database_url, states["pending"])
    assert FailedJobRegistry("ingest", connection=client).get_job_count(cleanup=False) == 0
    assert StartedJobRegistry("ingest", connection=client).get_job_count(cleanup=False) == 0
    service.add_worker("ingest", "worker-second").wait_ready()
    assert wait_until(is_drained(pool), 3 * DEADLINE_S, 0.2), read_states(pool)
    assert "JobTimeout" not in worker.read_log()
    counts = {name.decode(): int(value) for name, value in client.hgetall(PROCESSED_KEY).items()}
    assert counts.keys() == {"ingest:succeeded"}


def expect_nothing_held(database_url: str, pending: int) -> None:
    connection = psycopg2.connect(database_url)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'palmonas worker'")
        assert cursor.fetchone()[0] <= 2, "more than the dispatcher's are there"
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM inbox WHERE state = 'pending' FOR UPDATE SKIP LOCKED) AS s")
        # the dispatcher's sweep holds one row for a moment
        assert pending - 1 <= cursor.fetchone()[0] <= pending
    finally:
        connection.close()


def test_one_doorbell_serves_many_orders(service: Service, pool: Pool, client: redis.Redis) -> None:
    api = service.add_api()
    service.add_worker("ingest")
    service.add("dispatcher", "dispatcher")
    service.wait_ready()
    sender = Sender(api.port, "standard", service.secrets["standard"])
    channel, body = WEBHOOKS["standard"], read_payload("standard")

    def send(index: int) -> str:
        return str(sender.send(channel.renumber(body, index), f"d-{index}").json()["status"])

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(send, range(500))) == {"accepted"}
    assert wait_until(lambda: read_states(pool) == {"done": 500}, DEADLINE_S, 0.1)
    rung = read_scrape(api.get("/metrics")[1].decode(), "palmonas_doorbell_total", outcome="rung")
    assert 1 <= rung <= 250
    assert wait_until(lambda: int(client.hget(PROCESSED_KEY, "ingest:succeeded") or 0) >= rung, 10)
    assert int(client.hget(PROCESSED_KEY, "ingest:succeeded") or 0) <= 250
