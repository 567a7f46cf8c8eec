"""`python -m tests.bench [accept|drain|scrape|retention|lists|rules|dashboards]`: what the work costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from app.channels import WEBHOOKS, sample
from app.queue_stats import read_queues, read_workers
from app.store.inbox import NewDelivery, insert_deliveries
from app.store.migrate import upgrade
from app.store.pool import Pool
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.bench.cpu import read_tree_cpu_seconds
from tests.bench.dashboards import measure_dashboards
from tests.bench.lists import compare_lists
from tests.bench.load import make_request, send_requests
from tests.bench.retention import compare_retention
from tests.bench.rules import measure_rules
from tests.service import Service

ROUNDS = 3
REQUESTS = 4000
CONNECTIONS = 50
DRAIN_ORDERS = 10_000


@contextmanager
def running_servers() -> Iterator[tuple[PostgresServer, RedisServer, Path]]:
    with tempfile.TemporaryDirectory(prefix="palmonas-bench-", dir="/var/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        postgres, redis_server = PostgresServer(directory / "postgresql"), RedisServer(directory / "redis")
        postgres.start()
        redis_server.start()
        try:
            upgrade(postgres.url)
            yield postgres, redis_server, directory
        finally:
            redis_server.stop()
            postgres.stop()


def make_webhooks(secret: str, first: int, count: int) -> list[bytes]:
    channel, body = WEBHOOKS["shopify"], sample("shopify")
    requests = []
    for number in range(first, first + count):
        numbered = channel.renumber(body, number)
        headers = dict(channel.sign(numbered, secret, "orders/create", f"bench-{number}", time.time()))
        headers.pop("Content-Type", None)
        requests.append(make_request("/webhooks/shopify", headers, numbered))
    return requests


def measure_accept() -> None:
    """Accept (API + PostgreSQL + Redis) against a bare "ok" on the same worker class, in alternating pairs."""
    with running_servers() as (postgres, redis_server, directory):
        service = Service(postgres.url, redis_server.url, directory, roles="accept")
        api = service.add_api().wait_ready()
        port = find_free_port()
        bare = subprocess.Popen(
            [
                *[
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "-k",
                    "app.api.gunicorn_worker.BoundedWorker",
                    "-w",
                    "1",
                    "-b",
                    f"127.0.0.1:{port}",
                ],
                *["--no-control-socket", "--log-level", "error", "tests.bench.bare:ok"],
            ]
        )
        time.sleep(2)
        try:
            pairs = []
            for turn in range(ROUNDS):
                webhooks = make_webhooks(service.secrets["shopify"], 10_000_000 + turn * REQUESTS, REQUESTS)
                before = read_tree_cpu_seconds(bare.pid)
                send_requests(port, webhooks, CONNECTIONS)
                bare_us = (read_tree_cpu_seconds(bare.pid) - before) / REQUESTS * 1e6
                pids = {"api": api.pid, "postgresql": postgres.pid, "redis": redis_server.pid}
                start = {name: read_tree_cpu_seconds(pid) for name, pid in pids.items()}
                seconds, statuses = send_requests(api.port, webhooks, CONNECTIONS)
                used = {name: (read_tree_cpu_seconds(pid) - start[name]) / REQUESTS * 1e6 for name, pid in pids.items()}
                total = sum(used.values())
                pairs.append(total / bare_us)
                parts = ", ".join(f"{name} {value:.0f}" for name, value in used.items())
                print(
                    f"accept {turn + 1}: {total:.0f} us an order ({parts}); bare ok {bare_us:.0f} us;"
                    f" ratio {total / bare_us:.1f}; {REQUESTS / seconds:.0f} a second; {statuses}"
                )
            print(f"accept: median ratio {statistics.median(pairs):.1f} (aim: <= 9)")
        finally:
            bare.terminate()
            bare.wait(10)
            service.stop()


def measure_drain() -> None:
    """Drain of orders of two items: worker and PostgreSQL, from inbox row to committed order."""
    with running_servers() as (postgres, redis_server, directory):
        service = Service(postgres.url, redis_server.url, directory)
        pool = open_bench_pool(postgres.url)
        for turn in range(ROUNDS):
            fill_inbox(pool, turn * DRAIN_ORDERS, DRAIN_ORDERS)
            worker = service.add_worker(name=f"worker-{turn}").wait_ready()
            before = {"worker": read_tree_cpu_seconds(worker.pid), "postgresql": read_tree_cpu_seconds(postgres.pid)}
            dispatcher = service.add("dispatcher", "dispatcher")
            wait_drained(pool)
            used = {
                "worker": (read_tree_cpu_seconds(worker.pid) - before["worker"]) / DRAIN_ORDERS * 1e6,
                "postgresql": (read_tree_cpu_seconds(postgres.pid) - before["postgresql"]) / DRAIN_ORDERS * 1e6,
            }
            parts = ", ".join(f"{name} {value:.0f}" for name, value in used.items())
            print(f"drain {turn + 1}: {sum(used.values()):.0f} us an order ({parts}) (aim: <= 220)")
            dispatcher.stop()
            worker.stop()
        pool.close()


def open_bench_pool(url: str) -> Pool:
    return Pool(url, name="bench", size=1, timeout_s=5, connect_timeout_s=5, statement_timeout_s=300)


def fill_inbox(pool: Pool, first: int, count: int) -> None:
    channel, body = WEBHOOKS["standard"], sample("standard")
    for start in range(first, first + count, 1000):
        insert_deliveries(
            pool,
            [
                NewDelivery(
                    "standard",
                    f"d{number}",
                    "order.created",
                    f"bench-{number}",
                    channel.renumber(body, number).decode(),
                )
                for number in range(start, start + 1000)
            ],
        )


def wait_drained(pool: Pool) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with pool.autocommit("bench") as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM inbox WHERE state = 'pending')")
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.2)
    raise SystemExit("the inbox was not drained within 120 s")


def measure_scrape() -> None:
    """The queue collector's reads at a thousand and at a million jobs: they must cost the same."""
    with running_servers() as (_, redis_server, _):
        client = redis.Redis.from_url(redis_server.url)
        client.config_set("maxmemory", 0)
        for jobs in (1000, 1_000_000, 1000, 1_000_000):
            client.flushall()
            for start in range(0, jobs, 10_000):
                client.rpush("rq:queue:ingest", *range(start, min(jobs, start + 10_000)))
            started = time.perf_counter()
            for _ in range(200):
                read_queues(client, ("ingest", "tasks"))
                read_workers(client, ("ingest", "tasks"))
            print(f"scrape at {jobs} jobs: {(time.perf_counter() - started) / 200 * 1e6:.0f} us")


def measure_retention() -> None:
    """Retention and partitioning: the numbers of docs/decisions/0002."""
    with running_servers() as (postgres, _, _):
        pool = open_bench_pool(postgres.url)
        compare_retention(pool, postgres.pid)
        pool.close()


def measure_lists() -> None:
    """Pages of the order list at 10,000 and at LIST_ORDERS orders (environment; default a million)."""
    with running_servers() as (postgres, _, _):
        pool = open_bench_pool(postgres.url)
        compare_lists(pool, (10_000, int(os.environ.get("LIST_ORDERS", "1000000"))))
        pool.close()


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "accept": measure_accept,
    "drain": measure_drain,
    "scrape": measure_scrape,
    "retention": measure_retention,
    "lists": measure_lists,
    "rules": measure_rules,
    "dashboards": measure_dashboards,
}


def main() -> None:
    for name in sys.argv[1:] or MEASUREMENTS:
        if name not in MEASUREMENTS:
            raise SystemExit(f"there is no measurement {name!r}; choose from: {', '.join(MEASUREMENTS)}")
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
